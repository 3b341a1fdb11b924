// Runs every case of cases.mjs through the reference implementation and keeps what it answers.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// The reference draws SSRCs at random; here every draw is the same, so that vectors can be compared whole.
const SSRC = 123456789;
require('node:crypto').randomInt = () => SSRC;
const ortc = require('mediasoup/ortc');
const { ROUTED, RENUMBERED, PRIVATE_EXTENSION, DEPENDENCY_DESCRIPTOR, TRANSPORT_CC, cases } = await import('./cases.mjs');

const clone = (value) => structuredClone(value);

function routerCapabilities() {
    const capabilities = clone(ortc.generateRouterRtpCapabilities(clone(ROUTED)));
    capabilities.headerExtensions = capabilities.headerExtensions.filter((ext) => ext.uri !== PRIVATE_EXTENSION);
    for (const codec of capabilities.codecs) {
        codec.preferredPayloadType = RENUMBERED[codec.preferredPayloadType] ?? codec.preferredPayloadType;
        if (codec.parameters.apt) codec.parameters.apt = RENUMBERED[codec.parameters.apt] ?? codec.parameters.apt;
    }
    // The reference takes dependency descriptors, and transport-wide numbers of sound, from publishers alone; we pass
    // the former on and give the latter to receivers too.
    for (const ext of capabilities.headerExtensions)
        if ([DEPENDENCY_DESCRIPTOR, TRANSPORT_CC].includes(ext.uri)) ext.direction = 'sendrecv';
    // Nor does it know the feedback of RFC 8888.
    for (const codec of capabilities.codecs)
        if (!codec.mimeType.endsWith('/rtx')) codec.rtcpFeedback.push({ type: 'ack', parameter: 'ccfb' });
    return capabilities;
}
const router = routerCapabilities();

// What Transport.produce() of the reference does around the three rules.
function produce({ kind, parameters }) {
    const params = clone(parameters);
    ortc.validateAndNormalizeRtpParameters(params);
    if (params.encodings.length === 0) params.encodings = [{}];
    const checked = clone(params);
    const mapping = ortc.getProducerRtpParametersMapping(params, router);
    const consumable = ortc.getConsumableRtpParameters(kind, params, router, mapping);
    return { checked, mapping: clone(mapping), consumable: clone(consumable) };
}

function consume({ kind, parameters, capabilities, enableRtx }) {
    const { consumable } = produce({ kind, parameters });
    const caps = clone(capabilities);
    const canConsume = ortc.canConsume(clone(consumable), caps);
    const answer = { consumable, canConsume };
    try {
        answer.consumer = ortc.getConsumerRtpParameters({
            consumableRtpParameters: clone(consumable),
            remoteRtpCapabilities: caps,
            pipe: false,
            enableRtx,
        });
    } catch (error) {
        answer.refused = error.name;
    }
    return answer;
}

const RULES = {
    router: () => ({ capabilities: router }),
    capabilities({ capabilities }) {
        const caps = clone(capabilities);
        ortc.validateAndNormalizeRtpCapabilities(caps);
        return { checked: caps };
    },
    producer: produce,
    consumer: consume,
};

function answerTo({ rule, ...input }) {
    try {
        return RULES[rule](input);
    } catch (error) {
        return { refused: error.name };
    }
}

const folder = path.join(import.meta.dirname, '..', 'vectors', 'ortc');
const check = process.argv.includes('--check');
const wanted = new Map();
for (const one of cases(router)) {
    const file = `${one.rule}-${one.name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}.json`;
    if (wanted.has(file)) throw new Error(`two cases are called ${file}`);
    const { name, ...input } = one;
    wanted.set(file, JSON.stringify({ about: name, ssrc: SSRC, ...input, expect: answerTo(input) }, null, 1) + '\n');
}

const kept = new Set(fs.existsSync(folder) ? fs.readdirSync(folder).filter((f) => f.endsWith('.json')) : []);
let wrong = 0;
for (const [file, text] of wanted) {
    const full = path.join(folder, file);
    if (!check) fs.writeFileSync(full, text);
    else if (!kept.has(file) || fs.readFileSync(full, 'utf8') !== text) {
        console.error(`${file}: expected what the reference says now, found ${kept.has(file) ? 'another text' : 'no file'}`);
        wrong++;
    }
    kept.delete(file);
}
for (const file of kept) {
    if (!check) fs.unlinkSync(path.join(folder, file));
    else {
        console.error(`${file}: no case makes it`);
        wrong++;
    }
}
console.log(`${wanted.size} vectors ${check ? `checked, ${wrong} wrong` : 'written'}`);
process.exitCode = wrong === 0 ? 0 : 1;
