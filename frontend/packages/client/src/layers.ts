import type { AppData } from './protocol.ts';

const ENOUGH = 0.75; // a picture may be stretched a little before a layer twice as wide is worth its bits
const UNKNOWN_WIDTH = 1280;
const UNKNOWN_LAYERS = 3;

// The lowest spatial layer that fills `width` device pixels; each layer is twice as wide as the one below it.
export function spatialLayerFor(appData: AppData, width: number): number {
  const full = typeof appData.width === 'number' && appData.width > 0 ? appData.width : UNKNOWN_WIDTH;
  const layers = typeof appData.layers === 'number' && appData.layers >= 1 ? appData.layers : UNKNOWN_LAYERS;
  const top = Math.min(Math.trunc(layers), 8) - 1;
  for (let layer = 0; layer < top; layer++) if (full / 2 ** (top - layer) >= width * ENOUGH) return layer;
  return top;
}
