// A static export into dist/, which the server serves at `/`. `npm run dev` has a folder of its own and leaves that alone.
import { PHASE_DEVELOPMENT_SERVER } from 'next/constants.js';

/** @type {(phase: string) => import('next').NextConfig} */
export default (phase) => ({
  output: 'export',
  distDir: phase === PHASE_DEVELOPMENT_SERVER ? '.next' : 'dist',
  // What is for developers alone ends in .dev.tsx: /gallery.
  pageExtensions: [...(phase === PHASE_DEVELOPMENT_SERVER ? ['dev.tsx'] : []), 'tsx', 'ts', 'jsx', 'js'],
  reactStrictMode: true,
  images: { unoptimized: true },
  eslint: { ignoreDuringBuilds: true },
  devIndicators: false,
});
