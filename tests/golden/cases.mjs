// The questions. What a browser says is written as mediasoup-client 3 sends it; rules: router, capabilities,
// producer, consumer. H265 is not here, since the reference does not route it.

export const PRIVATE_EXTENSION = 'urn:mediasoup:params:rtp-hdrext:packet-id';
export const TRANSPORT_CC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
export const DEPENDENCY_DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

const h264 = (mode, profile) => ({
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90000,
    parameters: { 'packetization-mode': mode, 'level-asymmetry-allowed': 1, 'profile-level-id': profile },
});
const vp9 = (profile) => ({ kind: 'video', mimeType: 'video/VP9', clockRate: 90000, parameters: { 'profile-id': profile } });
export const ROUTED = [
    { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
    { kind: 'video', mimeType: 'video/VP8', clockRate: 90000 },
    vp9(0),
    vp9(2),
    h264(1, '42e01f'),
    h264(1, '4d0032'),
    { kind: 'video', mimeType: 'video/AV1', clockRate: 90000 },
    h264(1, '42001f'),
    h264(1, '64001f'),
    h264(0, '42e01f'),
    h264(0, '42001f'),
    h264(0, '4d0032'),
    h264(0, '64001f'),
    h264(1, '640c1f'),
    h264(0, '640c1f'),
];
// From payload types of the reference to ours: H265 is between them, and 127 is the probator's.
export const RENUMBERED = { 125: 96, 126: 97, 127: 98, 96: 99 };

const URI = {
    mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
    rid: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
    rrid: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
    ast: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
    twcc: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
    level: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
    dd: DEPENDENCY_DESCRIPTOR,
    act: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
};

// ---- what publishers send

const fb = (...list) => list.map((item) => ({ type: item.split(' ')[0], parameter: item.split(' ')[1] ?? '' }));
const CHROME_VIDEO_FB = fb('goog-remb', 'transport-cc', 'ccm fir', 'nack', 'nack pli');
const FIREFOX_VIDEO_FB = fb('nack', 'nack pli', 'ccm fir', 'goog-remb', 'transport-cc');
const ext = (ids) => Object.entries(ids).map(([name, id]) => ({ uri: URI[name], id, encrypt: false, parameters: {} }));
const CHROME_VIDEO_EXT = ext({ mid: 4, rid: 10, rrid: 11, twcc: 3, ast: 2 });
const CHROME_AUDIO_EXT = ext({ mid: 4, level: 1, twcc: 3, ast: 2 });

const codec = (name, payloadType, parameters = {}, rtcpFeedback = CHROME_VIDEO_FB) => ({
    mimeType: `video/${name}`, payloadType, clockRate: 90000, parameters, rtcpFeedback,
});
const rtx = (payloadType, apt) => codec('rtx', payloadType, { apt }, []);
const opus = (parameters = { minptime: 10, useinbandfec: 1 }, rtcpFeedback = fb('transport-cc', 'nack')) => ({
    mimeType: 'audio/opus', payloadType: 111, clockRate: 48000, channels: 2, parameters, rtcpFeedback,
});
const producer = (codecs, encodings, more = {}) => ({
    mid: '0', codecs, headerExtensions: CHROME_VIDEO_EXT, encodings,
    rtcp: { cname: 'abcd', reducedSize: true }, msid: 'stream track', ...more,
});
const H264 = (profile, more = {}) => ({ 'level-asymmetry-allowed': 1, 'packetization-mode': 1, 'profile-level-id': profile, ...more });
const one = [{ ssrc: 1111, rtx: { ssrc: 2222 }, dtx: false }];
const without = (object, ...keys) => Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));

const CHROME_SIMULCAST = producer([codec('VP8', 96), rtx(97, 96)], [
    { active: true, rid: 'r0', scalabilityMode: 'L1T3', scaleResolutionDownBy: 4, maxBitrate: 150000, dtx: false },
    { active: true, rid: 'r1', scalabilityMode: 'L1T3', scaleResolutionDownBy: 2, maxBitrate: 500000, dtx: false },
    { active: true, rid: 'r2', scalabilityMode: 'L1T3', scaleResolutionDownBy: 1, maxBitrate: 1500000, dtx: false },
]);
const FIREFOX_SIMULCAST = producer([codec('VP8', 120, { 'max-fs': 12288, 'max-fr': 60 }, FIREFOX_VIDEO_FB), rtx(124, 120)], [
    { rid: 'r0', ssrc: 3000001, rtx: { ssrc: 3000002 }, scalabilityMode: 'L1T3', maxBitrate: 200000 },
    { rid: 'r1', ssrc: 3000003, rtx: { ssrc: 3000004 }, scalabilityMode: 'L1T3', maxBitrate: 900000 },
], { mid: '1', msid: '{0a0b0c0d} {0e0f}', headerExtensions: ext({ mid: 3, ast: 4, twcc: 7, rid: 9, rrid: 10 }) });
const LEGACY_SIMULCAST = producer([codec('VP8', 96), rtx(97, 96)], [
    { ssrc: 5001, rtx: { ssrc: 5002 } }, { ssrc: 5003, rtx: { ssrc: 5004 } }, { ssrc: 5005, rtx: { ssrc: 5006 } },
]);
const VP9_SVC = producer([codec('VP9', 98, { 'profile-id': 0 }), rtx(99, 98)],
    [{ ssrc: 4001, rtx: { ssrc: 4002 }, scalabilityMode: 'L3T3_KEY', maxBitrate: 2500000, dtx: false }]);
const AUDIO = producer([opus()], [{ ssrc: 6001, dtx: false }], { headerExtensions: CHROME_AUDIO_EXT });
const VIDEO = producer([codec('VP8', 96), rtx(97, 96)], one);
const H264_CB = producer([codec('H264', 102, H264('42e01f')), rtx(103, 102)], one);
const H264_MAIN = producer([codec('H264', 127, H264('4d001f')), rtx(125, 127)], one);
const AV1 = producer([codec('AV1', 45, { 'level-idx': 5, profile: 0, tier: 0 }), rtx(46, 45)],
    [{ ssrc: 7001, rtx: { ssrc: 7002 }, scalabilityMode: 'L3T3' }], { headerExtensions: [...CHROME_VIDEO_EXT, ...ext({ dd: 12 })] });

const video = (...codecs) => producer(codecs, one);
const h264Video = (parameters) => video(codec('H264', 102, parameters), rtx(103, 102));

const producers = {
    'Chrome VP8 simulcast with rids': CHROME_SIMULCAST,
    'Firefox VP8 simulcast with rids and ssrcs': FIREFOX_SIMULCAST,
    'Safari legacy VP8 simulcast with ssrcs only': LEGACY_SIMULCAST,
    'Chrome VP8 single stream': VIDEO,
    'VP9 SVC L3T3_KEY': VP9_SVC,
    'VP9 profile 2': video(codec('VP9', 100, { 'profile-id': 2 }), rtx(101, 100)),
    'VP9 without profile-id is profile 0': video(codec('VP9', 98), rtx(99, 98)),
    'AV1 SVC with dependency descriptor': AV1,
    'H264 constrained baseline': H264_CB,
    'H264 main': H264_MAIN,
    'H264 without profile-level-id': h264Video({ 'packetization-mode': 1, 'level-asymmetry-allowed': 1 }),
    'H264 constrained baseline spelt 42c01f upper case': h264Video(H264('42C01F')),
    'H264 constrained baseline spelt 4d8028': h264Video(H264('4d8028')),
    'H264 constrained baseline spelt 58c01f': h264Video(H264('58c01f')),
    'H264 higher level with asymmetry keeps its level': h264Video(H264('42e034')),
    'H264 higher level without asymmetry gets the lower': h264Video({ 'packetization-mode': 1, 'profile-level-id': '42e034' }),
    'H264 lower level without asymmetry keeps its own': h264Video({ 'packetization-mode': 1, 'profile-level-id': '42e00a' }),
    'H264 level 1b without asymmetry': h264Video({ 'packetization-mode': 1, 'profile-level-id': '42f00b' }),
    'H264 level 1b main': h264Video(H264('4d100b')),
    'H264 asymmetry as a string': h264Video(H264('42e034', { 'level-asymmetry-allowed': '1' })),
    'H264 asymmetry 0': h264Video(H264('42e034', { 'level-asymmetry-allowed': 0 })),
    'H264 baseline': h264Video(H264('42001f')),
    'H264 baseline spelt 58a01f': h264Video(H264('58a01f')),
    'H264 high': h264Video(H264('64001f')),
    'H264 high without asymmetry gets the lower level': h264Video({ 'packetization-mode': 1, 'profile-level-id': '640033' }),
    'H264 constrained high': h264Video(H264('640c1f')),
    'H264 packetization-mode 0': h264Video(H264('42e01f', { 'packetization-mode': 0 })),
    'H264 packetization-mode absent': h264Video({ 'profile-level-id': '42e01f' }),
    'H264 without any parameter': h264Video({}),
    'H264 baseline in packetization-mode 0': h264Video(H264('42001f', { 'packetization-mode': 0 })),
    'H264 main in packetization-mode 0': h264Video(H264('4d401f', { 'packetization-mode': 0 })),
    'H264 high in packetization-mode 0': h264Video(H264('640028', { 'packetization-mode': 0 })),
    'H264 constrained high in packetization-mode 0': h264Video(H264('640c34', { 'packetization-mode': 0 })),
    'opus Chrome': AUDIO,
    'opus with stereo and dtx': producer([opus({ minptime: 10, useinbandfec: 1, usedtx: 1, 'sprop-stereo': 1 }, fb('transport-cc'))],
        [{ ssrc: 6001, dtx: true }], { headerExtensions: CHROME_AUDIO_EXT }),
    'opus with abs-capture-time': producer([opus()], [{ ssrc: 6001 }], { headerExtensions: [...CHROME_AUDIO_EXT, ...ext({ act: 13 })] }),
    'opus upper case name': producer([{ ...opus(), mimeType: 'audio/OPUS' }], [{ ssrc: 6001 }]),
    'video with abs-capture-time': { ...VIDEO, headerExtensions: [...CHROME_VIDEO_EXT, ...ext({ act: 13 })] },
    'RTX absent': producer([codec('VP8', 96)], [{ ssrc: 1111 }]),
    'RTX listed first': video(rtx(97, 96), codec('VP8', 96)),
    'two codecs': video(codec('VP8', 96), rtx(97, 96), codec('VP9', 98, { 'profile-id': 0 }), rtx(99, 98)),
    'same codec twice': video(codec('VP8', 96), codec('VP8', 98), rtx(97, 96), rtx(99, 98)),
    'MID missing': without(VIDEO, 'mid'),
    'MID extension missing': { ...VIDEO, headerExtensions: ext({ twcc: 3 }) },
    'no header extensions': without(VIDEO, 'headerExtensions'),
    'unknown header extension': { ...VIDEO, headerExtensions: [...CHROME_VIDEO_EXT, { uri: 'urn:example:other', id: 9, encrypt: true, parameters: { a: 1, b: 'c' } }] },
    'no encodings': without(VIDEO, 'encodings'),
    'empty encodings': { ...VIDEO, encodings: [] },
    'encoding without ssrc and rid': { ...VIDEO, encodings: [{ dtx: true, maxBitrate: 900000 }] },
    'codecPayloadType': { ...VIDEO, encodings: [{ ssrc: 1111, codecPayloadType: 96 }] },
    'no rtcp and no msid': without(VIDEO, 'rtcp', 'msid'),
    'rtcp reducedSize false': { ...VIDEO, rtcp: { cname: 'x', reducedSize: false } },
    'defaults everywhere': { codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90000 }], encodings: [{ ssrc: 1 }] },
    'feedback without parameter': video({ ...codec('VP8', 96), rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 7 }] }),
    'parameters and feedback of the wrong type are taken as absent': video({ ...codec('VP8', 96), parameters: 7, rtcpFeedback: 'nack' }),
    'video channels are dropped': video({ ...codec('VP8', 96), channels: 2 }),
    // refusals
    'refused video H266': video(codec('H266', 96)),
    'refused VP9 profile 1': video(codec('VP9', 96, { 'profile-id': 1 })),
    'refused VP9 profile as a string': video(codec('VP9', 96, { 'profile-id': '0' })),
    'refused H264 high 444': h264Video(H264('f4001f')),
    'refused H264 extended': h264Video(H264('58201f')),
    'refused H264 packetization-mode 2': h264Video(H264('42e01f', { 'packetization-mode': 2 })),
    'refused H264 packetization-mode a string': h264Video(H264('42e01f', { 'packetization-mode': '1' })),
    'refused H264 profile-level-id not hex': h264Video(H264('42e01g')),
    'refused H264 profile-level-id a number': h264Video(H264(420029)),
    'refused H264 profile-level-id too short': h264Video(H264('42e0')),
    'refused H264 level 0': h264Video(H264('42e000')),
    'refused opus mono': producer([{ ...opus(), channels: 1 }], [{ ssrc: 1 }]),
    'refused opus without channels': producer([without(opus(), 'channels')], [{ ssrc: 1 }]),
    'refused opus 16000': producer([{ ...opus(), clockRate: 16000 }], [{ ssrc: 1 }]),
    'refused RTX without media codec': video(codec('VP8', 96), rtx(97, 98)),
    'refused RTX without apt': video(codec('VP8', 96), codec('rtx', 97, {}, [])),
    'refused RTX of audio': producer([opus(), { mimeType: 'audio/rtx', payloadType: 112, clockRate: 48000, channels: 2, parameters: { apt: 111 } }], [{ ssrc: 1 }]),
    'refused apt as a string': video(codec('VP8', 96), codec('rtx', 97, { apt: '96' }, [])),
    'refused boolean codec parameter': video(codec('VP8', 96, { x: true })),
    'refused object codec parameter': video(codec('VP8', 96, { x: {} })),
    'refused payloadType as a string': video({ ...codec('VP8', 96), payloadType: '96' }),
    'refused clockRate missing': video(without(codec('VP8', 96), 'clockRate')),
    'refused mimeType without kind': video({ ...codec('VP8', 96), mimeType: 'VP8' }),
    'refused mimeType of a text': video({ ...codec('VP8', 96), mimeType: 'text/plain' }),
    'refused codecs missing': without(VIDEO, 'codecs'),
    'refused codec null': video(null),
    'refused extension id as a string': { ...VIDEO, headerExtensions: [{ uri: URI.mid, id: '4' }] },
    'refused extension without uri': { ...VIDEO, headerExtensions: [{ id: 4 }] },
    'refused extension encrypt a number': { ...VIDEO, headerExtensions: [{ uri: URI.mid, id: 4, encrypt: 1 }] },
    'refused encoding ssrc as a string': { ...VIDEO, encodings: [{ ssrc: '1111' }] },
    'refused encoding rtx without ssrc': { ...VIDEO, encodings: [{ ssrc: 1, rtx: {} }] },
    'refused encoding rid a number': { ...VIDEO, encodings: [{ rid: 1 }] },
    'refused scalabilityMode a number': { ...VIDEO, encodings: [{ ssrc: 1, scalabilityMode: 3 }] },
    'refused encodings an object': { ...VIDEO, encodings: { ssrc: 1 } },
    'refused mid a number': { ...VIDEO, mid: 1 },
    'refused cname a number': { ...VIDEO, rtcp: { cname: 1 } },
    'refused msid a number': { ...VIDEO, msid: 1 },
    'refused feedback without type': video({ ...codec('VP8', 96), rtcpFeedback: [{ parameter: 'pli' }] }),
};
const isAudio = (parameters) => /^audio/i.test(parameters.codecs?.[0]?.mimeType ?? '');

// ---- what receivers can

// The router's own answer, as device.recvRtpCapabilities gives it back.
function receiver(router, keepCodec = () => true, keepExt = () => true) {
    const caps = structuredClone(router);
    return {
        codecs: caps.codecs.filter(keepCodec),
        headerExtensions: caps.headerExtensions.filter(keepExt),
    };
}
// Clients build native extensions in a map keyed by id: shared ones come back with the kind of the last.
function collapsed(router, kind) {
    const byId = new Map();
    for (const entry of structuredClone(router.headerExtensions)) {
        if (!byId.has(entry.preferredId) || entry.kind === kind) byId.set(entry.preferredId, entry);
    }
    return { codecs: structuredClone(router.codecs), headerExtensions: [...byId.values()] };
}
const isMime = (mimeType) => (entry) => entry.mimeType === mimeType;
const not = (test) => (entry) => !test(entry);

function consumers(router) {
    const all = receiver(router);
    const exts = (...names) => receiver(router, undefined, (entry) => names.some((name) => entry.uri === URI[name]));
    const feedback = (...list) => {
        const caps = receiver(router);
        for (const entry of caps.codecs) if (!/rtx/.test(entry.mimeType)) entry.rtcpFeedback = fb(...list);
        return caps;
    };
    const profile = (id, from) => {
        const caps = receiver(router);
        caps.codecs = caps.codecs.filter((entry) => entry.mimeType !== 'video/H264' || entry.parameters['profile-level-id'] === from);
        for (const entry of caps.codecs) if (entry.mimeType === 'video/H264') entry.parameters['profile-level-id'] = id;
        return caps;
    };
    const mode = (...modes) => ({ ...VIDEO, encodings: modes.map((scalabilityMode, i) => ({ ssrc: 10 + i, scalabilityMode, maxBitrate: 1000 * (i + 1) })) });
    return {
        'simulcast VP8 to all': [CHROME_SIMULCAST, all],
        'simulcast VP8 without RTX': [CHROME_SIMULCAST, all, false],
        'Firefox simulcast to all': [FIREFOX_SIMULCAST, all],
        'legacy simulcast to all': [LEGACY_SIMULCAST, all],
        'VP9 SVC to all': [VP9_SVC, all],
        'AV1 to all': [AV1, all],
        'H264 to all': [H264_CB, all],
        'H264 main to all': [H264_MAIN, all],
        'H264 main to a baseline receiver': [H264_MAIN, profile('42e01f', '42e01f')],
        'H264 to a receiver of another level': [H264_CB, profile('42e034', '42e01f')],
        'H264 to a receiver without profile-level-id': [H264_CB, receiver({ ...router, codecs: router.codecs.map((entry) => entry.mimeType === 'video/H264' ? { ...entry, parameters: { 'packetization-mode': 1 } } : entry) })],
        'H264 baseline to all': [producers['H264 baseline'], all],
        'H264 in packetization-mode 0 to all': [producers['H264 packetization-mode 0'], all],
        'H264 high to all': [producers['H264 high'], all],
        'audio to all': [AUDIO, all],
        'audio with RTX enabled keeps nack': [AUDIO, all, true],
        'audio when shared extensions carry kind video': [AUDIO, collapsed(router, 'video')],
        'video when shared extensions carry kind audio': [VIDEO, collapsed(router, 'audio')],
        'audio to a video-only receiver': [AUDIO, receiver(router, (entry) => entry.kind === 'video')],
        'video to an audio-only receiver': [VIDEO, receiver(router, (entry) => entry.kind === 'audio')],
        'receiver without RTX': [VIDEO, receiver(router, not(isMime('video/rtx')))],
        'receiver of RTX alone': [VIDEO, receiver(router, isMime('video/rtx'))],
        'receiver of another codec': [VIDEO, receiver(router, not(isMime('video/VP8')))],
        'two codecs of which the receiver has the second': [producers['two codecs'], receiver(router, not(isMime('video/VP8')))],
        'same codec twice': [producers['same codec twice'], all],
        'no header extensions at all': [VIDEO, exts()],
        'transport-cc only': [VIDEO, exts('mid', 'twcc')],
        'abs-send-time only': [VIDEO, exts('mid', 'ast')],
        'neither transport-cc nor abs-send-time': [VIDEO, exts('mid')],
        'header extensions under other ids': [VIDEO, { ...all, headerExtensions: all.headerExtensions.map((entry) => ({ ...entry, preferredId: entry.preferredId + 1 })) }],
        'remb feedback only': [VIDEO, feedback('goog-remb', 'nack', 'nack pli')],
        'unknown feedback is kept': [VIDEO, feedback('nack sli', 'nack rpsi', 'ccm tmmbr', 'transport-cc')],
        'no feedback': [VIDEO, feedback()],
        'abs-capture-time of the producer': [producers['video with abs-capture-time'], all],
        'one encoding keeps its mode': [mode('L1T3'), all],
        'several encodings count as spatial layers': [mode('L1T2', 'L1T2'), all],
        'mode of the first encoding that has one': [mode(undefined, 'L1T3', undefined), all],
        'a mode that is none': [mode('foo', 'bar'), all],
        'encoding without mode and bitrate': [{ ...VIDEO, encodings: [{ ssrc: 1 }] }, all],
        'no cname and no msid': [without(VIDEO, 'rtcp', 'msid'), all],
        'empty capabilities': [VIDEO, { codecs: [], headerExtensions: [] }],
        'Main profile of VP9 only': [VP9_SVC, receiver(router, (entry) => entry.parameters['profile-id'] !== 0)],
    };
}

// ---- capabilities

const CODEC = { mimeType: 'video/VP8', preferredPayloadType: 96, clockRate: 90000 };
const EXT = { kind: 'audio', uri: URI.mid, preferredId: 1 };
const capabilities = {
    'empty object': {},
    'null lists': { codecs: null, headerExtensions: null },
    'defaults of a video codec': { codecs: [CODEC] },
    'defaults of an audio codec': { codecs: [{ mimeType: 'audio/PCMU', preferredPayloadType: 0, clockRate: 8000 }] },
    'kind follows the mimeType': { codecs: [{ ...CODEC, kind: 'audio', channels: 2 }] },
    'upper case mimeType': { codecs: [{ ...CODEC, mimeType: 'AUDIO/OPUS', clockRate: 48000, channels: 2 }] },
    'no preferredPayloadType': { codecs: [without(CODEC, 'preferredPayloadType')] },
    'feedback without parameter': { codecs: [{ ...CODEC, rtcpFeedback: [{ type: 'nack' }] }] },
    'defaults of an extension': { headerExtensions: [EXT] },
    'directions': { headerExtensions: ['sendrecv', 'sendonly', 'recvonly', 'inactive'].map((direction) => ({ ...EXT, direction, preferredEncrypt: true })) },
    'refused codecs an object': { codecs: {} },
    'refused extensions a string': { headerExtensions: 'x' },
    'refused codec a string': { codecs: ['video/VP8'] },
    'refused codec without mimeType': { codecs: [without(CODEC, 'mimeType')] },
    'refused mimeType bad': { codecs: [{ ...CODEC, mimeType: 'image/VP8' }] },
    'refused clockRate a string': { codecs: [{ ...CODEC, clockRate: '90000' }] },
    'refused preferredPayloadType a string': { codecs: [{ ...CODEC, preferredPayloadType: '96' }] },
    'refused null codec parameter': { codecs: [{ ...CODEC, parameters: { a: null } }] },
    'refused apt a string': { codecs: [{ ...CODEC, mimeType: 'video/rtx', parameters: { apt: '96' } }] },
    'refused feedback a string': { codecs: [{ ...CODEC, rtcpFeedback: ['nack'] }] },
    'refused extension kind': { headerExtensions: [{ ...EXT, kind: 'text' }] },
    'refused extension without kind': { headerExtensions: [without(EXT, 'kind')] },
    'refused extension without uri': { headerExtensions: [without(EXT, 'uri')] },
    'refused extension without id': { headerExtensions: [without(EXT, 'preferredId')] },
    'refused extension preferredEncrypt': { headerExtensions: [{ ...EXT, preferredEncrypt: 'yes' }] },
    'refused extension direction': { headerExtensions: [{ ...EXT, direction: 1 }] },
};

export function cases(router) {
    const list = [{ name: 'capabilities', rule: 'router' }];
    for (const [name, caps] of Object.entries(capabilities)) list.push({ name, rule: 'capabilities', capabilities: caps });
    list.push({ name: 'the routers own', rule: 'capabilities', capabilities: router });
    for (const [name, parameters] of Object.entries(producers)) {
        list.push({ name, rule: 'producer', kind: isAudio(parameters) ? 'audio' : 'video', parameters });
    }
    for (const [name, [parameters, caps, enableRtx]] of Object.entries(consumers(router))) {
        const kind = isAudio(parameters) ? 'audio' : 'video';
        list.push({ name, rule: 'consumer', kind, parameters, capabilities: caps, enableRtx: enableRtx ?? kind === 'video' });
    }
    return list;
}
