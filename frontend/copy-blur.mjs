// Before the build: MediaPipe's files for the blurred background go to public/, to be served by us. Those without SIMD stay
// behind: each browser that has calls has SIMD.
import { chmodSync, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { URL } from 'node:url';

const FROM = new URL('node_modules/@mediapipe/selfie_segmentation/', import.meta.url);
const TO = new URL('public/blur/', import.meta.url);
const FILES = [
  'selfie_segmentation.js',
  'selfie_segmentation.binarypb',
  'selfie_segmentation_landscape.tflite',
  'selfie_segmentation_solution_simd_wasm_bin.js',
  'selfie_segmentation_solution_simd_wasm_bin.wasm',
];

rmSync(TO, { recursive: true, force: true });
mkdirSync(TO, { recursive: true });
for (const file of FILES) {
  copyFileSync(new URL(file, FROM), new URL(file, TO));
  chmodSync(new URL(file, TO), 0o644);
}
