// Runs in a page before its own scripts: the camera is a drawing, of a person in a room, who nods, blinks and talks.
// `look` picks colours; it stands in the address as camera=N. Nobody's face, no test card.
(() => {
  const looks = [
    { wall: ['#f3d9b1', '#c98d5a'], skin: '#f1c7a3', hair: '#5b3418', shirt: '#2f6f8f', plant: '#4c7a4a', style: 'long' },
    { wall: ['#bcd3e6', '#5f86a8'], skin: '#8d5a3a', hair: '#1d1512', shirt: '#d98a3d', plant: '#3e6b54', style: 'short' },
    { wall: ['#d8cfe8', '#7d6ba6'], skin: '#e3b48c', hair: '#b9752f', shirt: '#3f7d5c', plant: '#6a8f3f', style: 'bun' },
    { wall: ['#cfe6d3', '#5f9a7a'], skin: '#c68a5e', hair: '#8f9296', shirt: '#8a3f52', plant: '#2f5d3a', style: 'short' },
  ];
  const look = looks[Number(new URLSearchParams(location.search).get('camera') ?? 0) % looks.length];
  const phase = looks.indexOf(look) * 1.7;

  function room(ctx, w, h) {
    const wall = ctx.createLinearGradient(0, 0, w, h);
    wall.addColorStop(0, look.wall[0]);
    wall.addColorStop(1, look.wall[1]);
    ctx.fillStyle = wall;
    ctx.fillRect(0, 0, w, h);
    ctx.fillStyle = '#fff8'; // a window and what is behind it
    ctx.fillRect(w * 0.06, h * 0.1, w * 0.22, h * 0.42);
    ctx.fillStyle = '#8fc1e3';
    ctx.fillRect(w * 0.075, h * 0.125, w * 0.19, h * 0.37);
    ctx.fillStyle = '#7fae7a';
    ctx.beginPath();
    ctx.ellipse(w * 0.16, h * 0.5, w * 0.1, h * 0.1, 0, Math.PI, 0);
    ctx.fill();
    ctx.fillStyle = '#6b4a33'; // a shelf with books
    ctx.fillRect(w * 0.72, h * 0.33, w * 0.24, h * 0.02);
    ['#b5523b', '#e0b04a', '#4a6f8f', '#d9d0bf', '#5f7f5a'].forEach((colour, i) => {
      ctx.fillStyle = colour;
      ctx.fillRect(w * (0.74 + i * 0.026), h * (0.19 + (i % 2) * 0.02), w * 0.02, h * (0.14 - (i % 2) * 0.02));
    });
    ctx.fillStyle = look.plant; // a plant
    for (const angle of [-0.7, -0.35, 0, 0.35, 0.7]) {
      ctx.save();
      ctx.translate(w * 0.87, h * 0.86);
      ctx.rotate(angle);
      ctx.beginPath();
      ctx.ellipse(0, -h * 0.14, w * 0.018, h * 0.13, 0, 0, 7);
      ctx.fill();
      ctx.restore();
    }
    ctx.fillStyle = '#a5623c';
    ctx.fillRect(w * 0.845, h * 0.84, w * 0.05, h * 0.16);
  }

  function oval(ctx, x, y, rx, ry, colour) {
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.ellipse(x, y, rx, ry, 0, 0, 7);
    ctx.fill();
  }

  function person(ctx, w, h, t) {
    const x = w * (0.5 + 0.012 * Math.sin(t * 0.9)), y = h * (0.47 + 0.008 * Math.sin(t * 1.6)), r = h * 0.2;
    const talks = Math.max(0, Math.sin(t * 0.8)) * Math.abs(Math.sin(t * 9)), blinks = (t * 0.37) % 1 > 0.96;
    if (look.style === 'long') oval(ctx, x, y + r * 0.55, r * 1.02, r * 1.5, look.hair);
    oval(ctx, x, h * 1.06, w * 0.25, h * 0.34, look.shirt);
    oval(ctx, x, y + r * 1.15, r * 0.36, r * 0.6, look.skin);
    oval(ctx, x, y - r * 0.12, r * 0.93, r * 1.14, look.hair);
    if (look.style === 'bun') oval(ctx, x, y - r * 1.35, r * 0.4, r * 0.36, look.hair);
    oval(ctx, x, y + r * 0.12, r * 0.78, r, look.skin);
    oval(ctx, x, y - r * 0.78, r * 0.72, r * 0.32, look.hair);
    for (const side of [-1, 1]) {
      oval(ctx, x + side * r * 0.3, y, r * 0.13, blinks ? r * 0.015 : r * 0.085, '#fff');
      if (!blinks) oval(ctx, x + side * r * 0.3 + r * 0.02 * Math.sin(t), y, r * 0.06, r * 0.07, '#2a2320');
      oval(ctx, x + side * r * 0.3, y - r * 0.22, r * 0.17, r * 0.03, look.hair);
    }
    oval(ctx, x, y + r * 0.28, r * 0.07, r * 0.12, '#0002');
    oval(ctx, x, y + r * 0.62, r * 0.24, r * (0.05 + 0.12 * talks), '#8c3b3b');
    oval(ctx, x, y + r * (0.57 - 0.02 * talks), r * 0.18, r * 0.025, '#fff');
  }

  const own = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await own(wanted);
    const [camera] = stream.getVideoTracks();
    if (!camera) return stream;
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const ctx = canvas.getContext('2d');
    const draw = () => {
      room(ctx, canvas.width, canvas.height);
      person(ctx, canvas.width, canvas.height, performance.now() / 1000 + phase);
    };
    draw();
    setInterval(draw, 66);
    const [drawn] = canvas.captureStream(15).getVideoTracks();
    drawn.getSettings = () => camera.getSettings(); // the page asks which device it is
    stream.removeTrack(camera);
    stream.addTrack(drawn);
    return stream;
  };
})();
