// Typed events: `Events` maps each event's name to what its listeners get.
export class Emitter<Events extends object> {
  #listeners = new Map<keyof Events, Set<(detail: never) => void>>();

  // Returns what takes the listener off again.
  on<Type extends keyof Events>(type: Type, listener: (detail: Events[Type]) => void): () => void {
    let set = this.#listeners.get(type);
    if (set === undefined) this.#listeners.set(type, (set = new Set()));
    set.add(listener);
    return () => void set.delete(listener);
  }

  protected emit<Type extends keyof Events>(type: Type, detail: Events[Type]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) (listener as (detail: Events[Type]) => void)(detail);
  }
}
