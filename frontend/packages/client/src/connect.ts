// Tells the server of this side's DTLS. Until it has answered it may not have heard: then it is told again after a return.
import type { types } from 'mediasoup-client';
import { codeOf } from './errors.ts';
import type { Session } from './session.ts';

export class ConnectControl {
  #unanswered = new Map<string, types.DtlsParameters>(); // by transport

  constructor(private readonly session: Pick<Session, 'request'>) {}

  tell(transportId: string, dtlsParameters: types.DtlsParameters): void {
    this.#unanswered.set(transportId, dtlsParameters);
    this.session.request('connect-transport', { transportId, dtlsParameters }).then(
      () => this.#unanswered.delete(transportId),
      (error) => {
        if (codeOf(error) === 'connection-lost') return;
        this.#unanswered.delete(transportId);
        if (!['wrong-state', 'not-found'].includes(codeOf(error) ?? '')) console.error(error); // it had heard, or it is over
      },
    );
  }

  tellAgain(): void {
    for (const [transportId, dtlsParameters] of this.#unanswered) this.tell(transportId, dtlsParameters);
  }

  clear(): void {
    this.#unanswered.clear();
  }
}
