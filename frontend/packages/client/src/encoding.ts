// What is encoded of what could be sent: no more than somebody looks at.
import type { types } from 'mediasoup-client';

type Encoding = RTCRtpEncodingParameters & { scalabilityMode?: string };
interface Mode {
  kind: string;
  spatial: number;
  temporal: number;
  rest: string;
}

const LOWER_SHARE = 0.35; // of the bits: what a layer of half the width needs
const FRAME_RATE = 30; // of a source whose rate is not limited

// As browsers gave the encodings when a sender began: what it goes back to.
const firsts = new WeakMap<RTCRtpSender, Encoding[]>();

// "L3T3_KEY" in parts; null: no mode, or one of several pictures in one stream, which is left as it is.
export function modeOf(text: string | undefined): Mode | null {
  const [, kind, spatial, temporal, rest] = /^(L)(\d)T(\d)(h?(?:_KEY(?:_SHIFT)?)?)$/.exec(text ?? '') ?? [];
  return kind === undefined ? null : { kind, spatial: Number(spatial), temporal: Number(temporal), rest: rest ?? '' };
}

// Chromium leaves layers out that are narrower than this, whatever it is asked for: the highest ones.
const LAYER_WIDTH_LEAST = 240;

// The mode with as many spatial layers as a picture of this width gives.
export function modeForWidth(text: string | undefined, width: number): string | undefined {
  const mode = modeOf(text);
  if (!mode) return text;
  let { spatial } = mode;
  while (spatial > 1 && width / 2 ** (spatial - 1) < LAYER_WIDTH_LEAST) spatial--;
  return `${mode.kind}${spatial}T${mode.temporal}${spatial > 1 ? mode.rest : ''}`;
}

// One encoding that carries its layers itself, up to these; Infinity: all. Each layer left out halves the width, and
// each temporal one the frame rate, so that those that stay are what they were.
export function encodingUpTo(first: Encoding, spatialLayer: number, temporalLayer: number): Encoding {
  const mode = modeOf(first.scalabilityMode);
  if (!mode) return first;
  const spatial = Math.min(mode.spatial, spatialLayer + 1);
  const temporal = Math.min(mode.temporal, temporalLayer + 1);
  const fewer = mode.spatial - spatial;
  const slower = mode.temporal - temporal;
  const rest = spatial > 1 ? mode.rest : '';
  const encoding: Encoding = { ...first, scalabilityMode: `${mode.kind}${spatial}T${temporal}${rest}` };
  if (fewer > 0) {
    const step = mode.rest.startsWith('h') ? 1.5 : 2;
    encoding.scaleResolutionDownBy = (first.scaleResolutionDownBy ?? 1) * step ** fewer;
    if (first.maxBitrate !== undefined) encoding.maxBitrate = Math.round(first.maxBitrate * LOWER_SHARE ** fewer);
  }
  if (slower > 0) encoding.maxFramerate = (first.maxFramerate ?? FRAME_RATE) / 2 ** slower;
  return encoding;
}

// Layers above these are not encoded; null: none is. A sender without layers has the one numbered 0.
export async function encodeUpTo(
  sender: RTCRtpSender | undefined,
  top: number | null,
  topTemporal = Infinity,
): Promise<void> {
  const parameters = sender?.getParameters?.();
  if (!sender || !parameters?.encodings?.length) return;
  const first = firsts.get(sender) ?? parameters.encodings.map((encoding) => ({ ...encoding }));
  firsts.set(sender, first);
  const several = first.length > 1;
  let changed = false;
  for (const [layer, encoding] of (parameters.encodings as Encoding[]).entries()) {
    const active = top !== null && (several ? layer <= top : top >= 0);
    const before = JSON.stringify(encoding);
    const now =
      first[layer] && active
        ? encodingUpTo(first[layer], several || top === null ? Infinity : top, topTemporal)
        : encoding;
    for (const key of ['scalabilityMode', 'scaleResolutionDownBy', 'maxBitrate', 'maxFramerate'] as const)
      if (now[key] === undefined) delete encoding[key];
      else Object.assign(encoding, { [key]: now[key] });
    if ((encoding.active ?? true) !== active) encoding.active = active;
    changed ||= JSON.stringify(encoding) !== before;
  }
  if (changed) await sender.setParameters(parameters);
}

interface Told {
  layer: number | null;
  temporalLayer: number;
}

export class EncodingControl {
  #told = new Map<string, Told>(); // by producerId: the highest layers that anybody wants
  #changes = new Map<string, Promise<void>>(); // by producerId: the last one

  // The server tells which layers the most demanding ones use (null: nobody watches); of a source without layers, nothing.
  told(producerId: string, layer: number | null, temporalLayer: number | null = null): void {
    this.#told.set(producerId, { layer, temporalLayer: temporalLayer ?? Infinity });
  }

  // What was told meanwhile was not heard: all of it is wanted until it is told anew, or nothing while one is alone.
  missed(producerIds: Iterable<string>, alone: boolean): void {
    for (const producerId of producerIds) {
      if (alone) this.#told.delete(producerId);
      else this.told(producerId, Infinity);
    }
  }

  // The highest layer that is wanted. Where nothing was told, whoever else is in the room may want a source without layers.
  wanted({ id, rtpParameters }: types.Producer, alone: boolean): number | null {
    const told = this.#told.get(id);
    if (told !== undefined) return told.layer;
    const encodings = rtpParameters?.encodings ?? [];
    const layers = encodings.length > 1 || (modeOf(encodings[0]?.scalabilityMode)?.spatial ?? 1) > 1;
    return alone || layers ? null : 0;
  }

  settle(producer: types.Producer, alone: boolean): void {
    const change = async () => {
      const topTemporal = this.#told.get(producer.id)?.temporalLayer ?? Infinity;
      if (!producer.closed) await encodeUpTo(producer.rtpSender, this.wanted(producer, alone), topTemporal);
    };
    // One after the other: a browser takes no change while another is under way.
    const after = (this.#changes.get(producer.id) ?? Promise.resolve())
      .then(change)
      .catch((error: Error) => console.warn(error));
    this.#changes.set(producer.id, after);
  }

  forget(producerId: string): void {
    this.#told.delete(producerId);
    this.#changes.delete(producerId);
  }

  clear(): void {
    this.#told.clear();
    this.#changes.clear();
  }
}
