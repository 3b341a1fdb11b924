// A static export into dist/, which the server serves at `/`.
/** @type {import('next').NextConfig} */
export default {
  output: 'export',
  distDir: 'dist',
  reactStrictMode: true,
  images: { unoptimized: true },
  eslint: { ignoreDuringBuilds: true },
  devIndicators: false,
};
