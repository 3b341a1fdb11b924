// docs/monitoring/: a real Prometheus takes the rules, and every metric that rules and dashboard name is there.

import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { assert } from './expect.mjs';
import { freeTcpPort, ROOT, Server, until } from './harness.mjs';

const FOLDER = `${ROOT}docs/monitoring`;
const panels = () => JSON.parse(readFileSync(`${FOLDER}/rotunda-dashboard.json`, 'utf8')).panels;
const expressions = () => panels().flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$instance', '.*')));

test('every metric that dashboard and rules name is on /metrics', { timeout: 60_000 }, async (t) => {
  const server = await Server.startFor(t);
  const there = new Set([...(await server.metrics()).keys()].map((name) => name.replace(/\{.*/, '')));
  const named = `${expressions().join('\n')}\n${readFileSync(`${FOLDER}/rotunda-alerts.yml`, 'utf8')}`.match(/\b(rotunda|process)_[a-z_]+/g);
  assert.ok(new Set(named).size > 20);
  for (const name of new Set(named)) assert.ok(there.has(name), `${name} is not on /metrics`);
});

test('Prometheus takes rules and queries, and finds what they ask for', { timeout: 120_000 }, async (t) => {
  if (spawnSync('prometheus', ['--version']).error) return t.skip('no prometheus (Debian package prometheus)');
  const checked = spawnSync('promtool', ['check', 'rules', `${FOLDER}/rotunda-alerts.yml`], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  const server = await Server.startFor(t);
  const folder = mkdtempSync(`${tmpdir()}/rotunda-prometheus-`);
  const port = await freeTcpPort();
  const settings = readFileSync(`${FOLDER}/prometheus.yml`, 'utf8');
  writeFileSync(`${folder}/prometheus.yml`, settings.replaceAll('127.0.0.1:9090', `127.0.0.1:${server.port}`).replaceAll('10s', '1s'));
  copyFileSync(`${FOLDER}/rotunda-alerts.yml`, `${folder}/rotunda-alerts.yml`);
  const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`];
  const prometheus = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  prometheus.stderr.on('data', (data) => (said += data));
  const gone = new Promise((resolve) => prometheus.on('exit', resolve));
  t.after(async () => {
    prometheus.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = async (path, form) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, form && { method: 'POST', body: new URLSearchParams(form) }).catch(() => null);
    return answer === null || answer.status === 503 ? null : answer.json(); // 503: it is starting
  };
  const value = async (query) => (await ask('query', { query }))?.data?.result?.[0]?.value?.[1];
  await until('the server is scraped', async () => (await value('rotunda_build_info')) === '1', { deadlineMs: 60_000 }).catch((error) => {
    throw new Error(`${error.message}\n${said.slice(-2000)}`);
  });
  await until(
    'all rules were evaluated',
    async () => {
      const data = (await ask('rules'))?.data;
      if (!data?.groups) return false;
      const rules = data.groups.flatMap((group) => group.rules);
      for (const { name, health, lastError } of rules) assert.notEqual(health, 'err', `${name}: ${lastError}`);
      return rules.length > 8 && rules.every(({ health }) => health === 'ok');
    },
    { deadlineMs: 30_000 },
  );
  for (const expr of expressions()) {
    const { status, error } = await ask('query', { query: expr });
    assert.equal(status, 'success', `${expr}: ${error}`);
  }
});
