// The picture, sound and name of each participant.

export class Tiles {
  #grid;
  #tiles = new Map(); // userId -> { element, video, stream, isLocal }

  constructor(grid) {
    this.#grid = grid;
    // A browser may refuse to play sound before the person has touched the page.
    document.addEventListener('click', () => {
      for (const { video } of this.#tiles.values()) if (video.paused) video.play().catch(() => {});
    });
  }

  add(userId, name, isLocal = false) {
    if (this.#tiles.has(userId)) return;
    const element = document.createElement('figure');
    element.className = isLocal ? 'tile local no-video' : 'tile no-video';
    element.dataset.user = userId;
    element.dataset.name = name;
    const initial = document.createElement('span');
    initial.className = 'initial';
    initial.textContent = [...name][0]?.toUpperCase() ?? '?';
    const video = document.createElement('video');
    video.autoplay = true;
    video.playsInline = true;
    video.muted = isLocal;
    const caption = document.createElement('figcaption');
    caption.textContent = name;
    const stream = new MediaStream();
    video.srcObject = stream;
    element.append(initial, video, caption);
    this.#grid.append(element);
    this.#tiles.set(userId, { element, video, stream, isLocal });
    this.#arrange();
  }

  remove(userId) {
    const tile = this.#tiles.get(userId);
    if (tile === undefined) return;
    tile.video.srcObject = null;
    tile.element.remove();
    this.#tiles.delete(userId);
    this.#arrange();
  }

  clear() {
    for (const userId of [...this.#tiles.keys()]) this.remove(userId);
  }

  attach(userId, track) {
    const tile = this.#tiles.get(userId);
    if (tile === undefined) return;
    tile.stream.addTrack(track);
    if (track.kind === 'video') {
      tile.element.classList.remove('no-video');
      if (!tile.isLocal) this.#markFirstFrame(tile);
    }
    tile.video.play().catch(() => {});
  }

  detach(userId, track) {
    const tile = this.#tiles.get(userId);
    if (tile === undefined) return;
    tile.stream.removeTrack(track);
    if (track.kind === 'video') tile.element.classList.add('no-video');
  }

  setPaused(userId, kind, paused) {
    const tile = this.#tiles.get(userId);
    if (tile === undefined) return;
    tile.element.classList.toggle(kind === 'video' ? 'no-video' : 'no-audio', paused);
  }

  setSpeaker(userId) {
    for (const [id, { element }] of this.#tiles) element.classList.toggle('speaking', id === userId);
  }

  // The size of the picture is known with its first frame, even in a tab that is not painted.
  #markFirstFrame({ video, element }) {
    const mark = () => performance.mark('first-frame', { detail: element.dataset.name });
    if (video.videoWidth > 0) mark();
    else video.addEventListener('resize', mark, { once: true });
  }

  #arrange() {
    const count = Math.max(1, this.#tiles.size);
    this.#grid.style.setProperty('--columns', Math.ceil(Math.sqrt(count)));
    this.#grid.style.setProperty('--columns-narrow', count > 2 ? 2 : 1);
  }
}
