// A test CA made by openssl, with a root and an authority below it, and what it signs.

import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connect } from 'node:tls';

const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';

export class TestCa {
  // Gone when test `t` ends.
  static make(t) {
    const ca = new TestCa();
    ca.folder = mkdtempSync(`${tmpdir()}/rotunda-tls-`);
    t.after(() => rmSync(ca.folder, { recursive: true, force: true }));
    ca.#key('root');
    ca.#openssl('req', '-x509', '-key', 'root.key', '-out', 'root.crt', '-days', '30', '-subj', '/CN=Rotunda test root');
    ca.#sign('authority', 'root', 'basicConstraints=critical,CA:TRUE');
    ca.root = readFileSync(`${ca.folder}/root.crt`, 'utf8');
    return ca;
  }

  #openssl(...args) {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #key(name) {
    this.#openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  }

  #sign(name, by, extension, days = '30') {
    this.#key(name);
    writeFileSync(`${this.folder}/${name}.ext`, `${extension}\n`);
    this.#openssl('req', '-new', '-key', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    this.#openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial',
      '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.crt`);
  }

  // A certificate of this machine, or of other names, with the authority's behind it, and its key: their paths.
  issue(name, names = NAMES) {
    this.#sign(name, 'authority', names);
    appendFileSync(`${this.folder}/${name}.crt`, readFileSync(`${this.folder}/authority.crt`));
    const cert = `${this.folder}/${name}.crt`;
    return { cert, key: `${this.folder}/${name}.key`, serial: new X509Certificate(readFileSync(cert)).serialNumber };
  }
}

// What Chromium's --ignore-certificate-errors-spki-list takes: the SHA-256 of a certificate's public key.
export function spkiHash(certPath) {
  const key = new X509Certificate(readFileSync(certPath)).publicKey;
  return createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64');
}

// Shakes hands as a new client that trusts the root alone: serial number, protocol, ALPN.
export function handshake(server, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca, ALPNProtocols: ['h2', 'http/1.1'], ...options });
    socket.setTimeout(5000, () => socket.destroy(new Error('no handshake within 5 s')));
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      resolve({ serial: socket.getPeerCertificate().serialNumber, protocol: socket.getProtocol(), alpn: socket.alpnProtocol });
      socket.destroy();
    });
  });
}
