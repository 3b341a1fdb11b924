// What of a large room comes. Kept over losses of the connection; told when it differs from what the server knows.
import { forgiveLoss } from './errors.ts';
import type { Session } from './session.ts';

export interface Choice {
  lastN: number | null; // video of so many who spoke last; 0: of everybody; null: what the room gives
  loudestN: number | null; // sound of so many loudest voices
  pinned: readonly string[]; // userIds whose video comes in any case
}

const NOTHING: Choice = { lastN: null, loudestN: null, pinned: [] };

export class ChoiceControl {
  #wanted = NOTHING;
  #videoTold = JSON.stringify(videoOf(NOTHING)); // '': not known
  #soundTold = JSON.stringify(soundOf(NOTHING));

  constructor(
    private readonly session: Pick<Session, 'request' | 'state'>,
    private readonly isHere: (userId: string) => boolean,
  ) {}

  set(choice: Choice): void {
    this.#wanted = choice;
    this.tell();
  }

  // What was asked for while the connection was lost may not have been heard; who joins anew has chosen nothing.
  joined(resumed: boolean): void {
    this.#videoTold = resumed ? '' : JSON.stringify(videoOf(NOTHING));
    this.#soundTold = resumed ? '' : JSON.stringify(soundOf(NOTHING));
    this.tell();
  }

  tell(): void {
    if (this.session.state.name !== 'joined') return;
    const video = videoOf({ ...this.#wanted, pinned: this.#wanted.pinned.filter(this.isHere) });
    const sound = soundOf(this.#wanted);
    if (JSON.stringify(video) !== this.#videoTold) {
      this.#videoTold = JSON.stringify(video);
      this.session.request('set-last-n', video).catch(forgiveLoss);
    }
    if (JSON.stringify(sound) !== this.#soundTold) {
      this.#soundTold = JSON.stringify(sound);
      this.session.request('set-loudest-n', sound).catch(forgiveLoss);
    }
  }
}

function videoOf({ lastN, pinned }: Choice): { lastN?: number; pinned: string[] } {
  return { ...(lastN !== null && { lastN }), pinned: [...pinned] };
}

function soundOf({ loudestN }: Choice): { loudestN?: number } {
  return loudestN === null ? {} : { loudestN };
}
