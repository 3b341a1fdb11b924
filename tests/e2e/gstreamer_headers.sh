#!/bin/sh
# gstreamer_headers.sh: what the C compiler needs for a program on GStreamer's webrtcbin, as words on standard output.
# Where Debian's package for that is not installed, because it brings 150 others along (OpenCV and its like), the
# headers are taken out of it and kept in build-examples/; the libraries are those that GStreamer runs with.
set -eu
cd "$(dirname "$0")/../.."
folder=build-examples
if pkg-config --exists gstreamer-webrtc-1.0 2>/dev/null; then
  pkg-config --cflags --libs gstreamer-webrtc-1.0 gstreamer-sdp-1.0 libcurl
  exit 0
fi
if [ ! -f "$folder/usr/include/gstreamer-1.0/gst/webrtc/webrtc.h" ]; then
  mkdir -p "$folder"
  (cd "$folder" && apt-get download -q libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev >&2)
  for package in "$folder"/*.deb; do
    dpkg-deb -x "$package" "$folder"
    rm "$package"
  done
fi
here=$(pwd)
for include in "$here/$folder/usr/include/gstreamer-1.0" "$here/$folder"/usr/lib/*/gstreamer-1.0/include; do
  [ ! -d "$include" ] || echo "-I$include"
done
pkg-config --cflags --libs gobject-2.0 libcurl
echo -l:libgstreamer-1.0.so.0 -l:libgstsdp-1.0.so.0 -l:libgstwebrtc-1.0.so.0
