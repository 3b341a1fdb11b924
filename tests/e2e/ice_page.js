// A page with the unmodified mediasoup-client whose transports have a full ICE agent at the server: what it has to
// do beside the usual is in `follow`. Loaded after the package itself (window.packages).

window.enter = async function enter({ socketUrl, room, name, ice }) {
  const socket = new WebSocket(socketUrl);
  const waiting = new Map();
  const heard = [];
  const said = []; // candidates of ours that the server was told
  const transports = new Map(); // id -> RTCPeerConnection
  let next = 1;
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
  socket.onmessage = ({ data: text }) => {
    const { type, data, id } = JSON.parse(text);
    heard.push(type);
    if (type === 'ice-candidates') {
      const pc = transports.get(data.transportId);
      for (const c of data.iceCandidates)
        pc?.addIceCandidate({ sdpMid: '0', candidate: `candidate:${c.foundation} 1 ${c.protocol} ${c.priority} ${c.address} ${c.port} typ ${c.type}` });
    }
    const call = waiting.get(id);
    waiting.delete(id);
    if (type === 'error') call?.reject(new Error(`${data.code}: ${data.message}`));
    else call?.resolve(data);
  };
  socket.onclose = () => waiting.forEach(({ reject }) => reject(new Error('the connection ended')));
  const request = (type, data = {}) =>
    new Promise((resolve, reject) => {
      waiting.set(next, { resolve, reject });
      socket.send(JSON.stringify({ type, data, id: next++ }));
    });

  const joined = await request('join-room', { roomId: room, username: name });
  const device = new window.packages['mediasoup-client'].Device();
  await device.load({ routerRtpCapabilities: joined.routerRtpCapabilities });

  // The server wants to know of us what every ICE agent wants to know of another.
  const told = new Map(); // transport -> the ufrag that the server knows
  function tellIce(transport, pc, candidates) {
    const sdp = pc.localDescription?.sdp ?? '';
    const ufrag = /^a=ice-ufrag:(.*)$/m.exec(sdp)?.[1].trim();
    const pwd = /^a=ice-pwd:(.*)$/m.exec(sdp)?.[1].trim();
    if (!ufrag) return;
    const fresh = told.get(transport) !== ufrag;
    told.set(transport, ufrag);
    said.push(...candidates);
    request('add-ice-candidates', {
      transportId: transport.id,
      candidates,
      ...(fresh && { iceParameters: { usernameFragment: ufrag, password: pwd } }),
    }).catch((error) => said.push(String(error)));
  }
  function follow(transport) {
    const pc = transport.handler._pc;
    transports.set(transport.id, pc);
    pc.addEventListener('icecandidate', ({ candidate }) => candidate && tellIce(transport, pc, [candidate.candidate]));
    return () => tellIce(transport, pc, []);
  }
  async function open(direction) {
    const options = await request('create-transport', { direction, ...(ice && { ice }) });
    const transport = direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
    transport.options = options;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      request('connect-transport', { transportId: transport.id, dtlsParameters }).then(done, failed);
    });
    transport.on('produce', ({ kind, rtpParameters }, done, failed) => {
      request('produce', { transportId: transport.id, kind, rtpParameters }).then(done, failed);
    });
    transport.tell = follow(transport);
    return transport;
  }
  const send = await open('send');
  const recv = await open('recv');
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180, frameRate: 15 } });
  for (const track of stream.getTracks()) await send.produce({ track });
  const consumers = [];
  return (window.call = {
    request,
    heard,
    told: said,
    send,
    recv,
    joined,
    async consume(producerId) {
      const { id, kind, rtpParameters } = await request('consume', { producerId, transportId: recv.id, rtpCapabilities: device.rtpCapabilities });
      const consumer = await recv.consume({ id, producerId, kind, rtpParameters });
      consumers.push(consumer);
      await request('resume-consumer', { consumerId: consumer.id });
      return kind;
    },
    async restart() {
      for (const transport of [send, recv]) {
        const { iceParameters } = await request('restart-ice', { transportId: transport.id });
        await transport.restartIce({ iceParameters });
        transport.tell();
      }
    },
    // Of what is received: packets of each kind, and what the server says of its side.
    async stats() {
      const received = {};
      for (const consumer of consumers)
        for (const report of (await consumer.getStats()).values())
          if (report.type === 'inbound-rtp') received[report.kind] = report.packetsReceived;
      const server = [];
      for (const transport of [send, recv]) server.push((await request('get-stats', { transportId: transport.id })).stats[0]);
      return { received, server, states: [send.connectionState, recv.connectionState] };
    },
  });
};
