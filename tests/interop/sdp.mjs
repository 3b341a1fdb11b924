// SDP between a client's library and the server's parameters: what a page's client library does, once for all clients.

const KNOWN_EXTENSIONS = [
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
];
const WANTED = { audio: 'opus/48000', video: 'VP8/90000' };

// The values of all lines a=NAME:VALUE of a section.
const values = (section, name) =>
  section.filter((line) => line.startsWith(`a=${name}:`)).map((line) => line.slice(name.length + 3));

function sectionsOf(sdp) {
  const sections = [[]];
  for (const line of sdp.split(/\r?\n/).filter((text) => text !== '')) {
    if (line.startsWith('m=')) sections.push([]);
    sections.at(-1).push(line);
  }
  return { session: sections[0], media: sections.slice(1) };
}

// What connect-transport takes. The role is told in the client's words: whoever is active sends the ClientHello.
export function dtlsParametersOf(sdp) {
  const { session, media } = sectionsOf(sdp);
  const lines = [...session, ...media[0]];
  const fingerprints = values(lines, 'fingerprint').map((text) => {
    const [algorithm, value] = text.split(' ');
    return { algorithm: algorithm.toLowerCase(), value: value.toUpperCase() };
  });
  return { role: values(lines, 'setup')[0] === 'passive' ? 'server' : 'client', fingerprints };
}

function formatsOf(section) {
  return new Map(values(section, 'rtpmap').map((text) => text.split(' ')).map(([type, name]) => [Number(type), name]));
}

function codecOf(section, type, name) {
  const [subtype, clockRate, channels] = name.split('/');
  const kind = section[0].slice(2, 7);
  const of = (what) => values(section, what).filter((text) => text.startsWith(`${type} `)).map((text) => text.slice(`${type} `.length));
  const pairs = of('fmtp').flatMap((text) => text.split(';')).map((pair) => pair.trim().split('='));
  return {
    mimeType: `${kind}/${subtype}`,
    payloadType: type,
    clockRate: Number(clockRate),
    ...(channels ? { channels: Number(channels) } : {}),
    parameters: Object.fromEntries(pairs.map(([key, value]) => [key, /^\d+$/.test(value) ? Number(value) : value])),
    rtcpFeedback: of('rtcp-fb').map((text) => ({ type: text.split(' ')[0], parameter: text.split(' ').slice(1).join(' ') })),
  };
}

// What produce takes for one section of an offer. onlyRemb: as of a publisher that knows no other estimate.
function parametersOf(section, { onlyRemb }) {
  const kind = section[0].slice(2, 7);
  const formats = formatsOf(section);
  const [type, name] = [...formats].find(([, text]) => text.toLowerCase().startsWith(WANTED[kind].toLowerCase()));
  const codecs = [codecOf(section, type, name)];
  const repair = [...formats].filter(([, text]) => text.startsWith('rtx/')).map(([number, text]) => codecOf(section, number, text));
  codecs.push(...repair.filter((codec) => codec.parameters.apt === type));
  if (onlyRemb) codecs[0].rtcpFeedback = codecs[0].rtcpFeedback.filter((feedback) => feedback.type !== 'transport-cc');
  const extensions = values(section, 'extmap').map((text) => text.split(' ')).map(([id, uri]) => ({ id: parseInt(id, 10), uri }));
  const group = values(section, 'ssrc-group').filter((text) => text.startsWith('FID ')).map((text) => text.split(' ').slice(1).map(Number))[0];
  const ssrc = group?.[0] ?? Number(values(section, 'ssrc')[0].split(' ')[0]);
  return {
    mid: values(section, 'mid')[0],
    codecs,
    headerExtensions: extensions
      .filter(({ uri }) => KNOWN_EXTENSIONS.includes(uri) && !(onlyRemb && uri.includes('transport-wide-cc')))
      .map((extension) => ({ ...extension, encrypt: false, parameters: {} })),
    encodings: [codecs.length > 1 && group ? { ssrc, rtx: { ssrc: group[1] } } : { ssrc }],
    rtcp: { cname: 'interop', reducedSize: true },
  };
}

// An offer's sections in their order: [{ kind, rtpParameters }].
export function tracksOf(offer, options = {}) {
  return sectionsOf(offer).media.map((section) => ({ kind: section[0].slice(2, 7), rtpParameters: parametersOf(section, options) }));
}

function codecLines({ mimeType, payloadType, clockRate, channels, parameters, rtcpFeedback }) {
  const pairs = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
  return [
    `a=rtpmap:${payloadType} ${mimeType.split('/')[1]}/${clockRate}${channels > 1 ? `/${channels}` : ''}`,
    ...(pairs.length > 0 ? [`a=fmtp:${payloadType} ${pairs.join(';')}`] : []),
    ...rtcpFeedback.map(({ type, parameter }) => `a=rtcp-fb:${payloadType} ${type} ${parameter ?? ''}`.trimEnd()),
  ];
}

function ssrcLines({ encodings: [{ ssrc, rtx }], rtcp: { cname } }) {
  const lines = [`a=ssrc:${ssrc} cname:${cname}`, `a=ssrc:${ssrc} msid:interop ${ssrc}`];
  if (rtx) lines.push(`a=ssrc:${rtx.ssrc} cname:${cname}`, `a=ssrc:${rtx.ssrc} msid:interop ${ssrc}`, `a=ssrc-group:FID ${ssrc} ${rtx.ssrc}`);
  return lines;
}

// The server's side: the answer to a publisher (`setup` passive), the offer to who receives (actpass).
export function serverSdp(transport, tracks, setup) {
  const { iceParameters: ice, iceCandidates } = transport;
  const digest = transport.dtlsParameters.fingerprints.at(-1);
  const lines = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=ice-lite'];
  lines.push(`a=group:BUNDLE ${tracks.map(({ rtpParameters }) => rtpParameters.mid).join(' ')}`, 'a=msid-semantic: WMS *');
  for (const { kind, rtpParameters } of tracks) {
    const { mid, codecs, headerExtensions } = rtpParameters;
    lines.push(`m=${kind} 9 UDP/TLS/RTP/SAVPF ${codecs.map((codec) => codec.payloadType).join(' ')}`, 'c=IN IP4 0.0.0.0');
    lines.push(`a=mid:${mid}`, `a=${setup === 'passive' ? 'recvonly' : 'sendonly'}`);
    lines.push(`a=ice-ufrag:${ice.usernameFragment}`, `a=ice-pwd:${ice.password}`);
    lines.push(`a=fingerprint:${digest.algorithm} ${digest.value}`, `a=setup:${setup}`, 'a=rtcp-mux', 'a=rtcp-rsize');
    lines.push(...codecs.flatMap(codecLines), ...headerExtensions.map(({ id, uri }) => `a=extmap:${id} ${uri}`));
    if (setup !== 'passive') lines.push(`a=msid:interop ${rtpParameters.encodings[0].ssrc}`, ...ssrcLines(rtpParameters));
    for (const { foundation, protocol, priority, address, port, tcpType } of iceCandidates) {
      lines.push(`a=candidate:${foundation} 1 ${protocol} ${priority} ${address} ${port} typ host${tcpType ? ` tcptype ${tcpType}` : ''}`);
    }
    lines.push('a=end-of-candidates');
  }
  return `${lines.join('\r\n')}\r\n`;
}
