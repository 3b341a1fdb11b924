// Whose network is gone: nothing comes any more of what should. The server keeps their place for half a minute.

export const AWAY_AFTER_MS = 7_000;
export const AWAY_LOOK_EVERY_MS = 2_000;

export interface Flow {
  id: string;
  userId: string;
  packets: number; // received so far
  expected: boolean; // it is neither paused nor left out by the server
}

export class AwayWatch {
  #flows = new Map<string, { packets: number; movedAt: number | null }>(); // movedAt: null while nothing has come at all
  #away = new Set<string>();

  // Takes what has come so far, and returns who went away or came back since the last look.
  look(flows: Flow[], nowMs: number): { userId: string; away: boolean }[] {
    const people = new Map<string, { quiet: number; flowing: number }>();
    for (const { id, userId, packets, expected } of flows) {
      const before = this.#flows.get(id);
      const moved = before !== undefined && packets > before.packets;
      // What was not expected may begin again at any time: its silence counts from then on.
      const movedAt = moved || (!expected && before?.movedAt != null) ? nowMs : (before?.movedAt ?? null);
      this.#flows.set(id, { packets, movedAt });
      if (!expected || movedAt === null) continue;
      const person = people.get(userId) ?? { quiet: 0, flowing: 0 };
      if (nowMs - movedAt >= AWAY_AFTER_MS) person.quiet++;
      else person.flowing++;
      people.set(userId, person);
    }
    const changes: { userId: string; away: boolean }[] = [];
    for (const [userId, { quiet, flowing }] of people) {
      const away = quiet > 0 && flowing === 0;
      if (away === this.#away.has(userId)) continue;
      if (away) this.#away.add(userId);
      else this.#away.delete(userId);
      changes.push({ userId, away });
    }
    return changes;
  }

  // After a silence of one's own nobody is to blame: begins anew, and returns who is not taken for gone any more.
  forget(): { userId: string; away: boolean }[] {
    const back = [...this.#away].map((userId) => ({ userId, away: false }));
    this.#flows.clear();
    this.#away.clear();
    return back;
  }
}
