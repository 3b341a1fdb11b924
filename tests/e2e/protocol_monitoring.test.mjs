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

// What a server shows, as promtool writes series: each value every 10 s. Of each alert one that it is for, and what does
// not last, or is little: for how many minutes, and what it is then.
const CALM = { rotunda_build_info: '1x600', 'up': '1x600', rotunda_uptime_seconds: '0+10x600' };
const ALARMS = [
  ['RotundaDown', 'critical', { up: '1x60 0x540' }, 12, {}],
  ['RotundaRestarted', 'warning', { rotunda_uptime_seconds: `1000+10x60 ${'5 15 25 '.repeat(100)}` }, 40, {}], // again and again
  ['RotundaThreadStuck', 'critical', { rotunda_threads_stuck: '0x60 1x540' }, 11, {}],
  ['RotundaWorkerOverloaded', 'warning', { 'rotunda_worker_loop_lag_seconds{worker="0"}': '0.001x60 0.03x540' }, 13, { worker: '0' }],
  ['RotundaWorkerFull', 'warning', { 'rotunda_worker_shed_level{worker="1"}': '0x60 3x540' }, 13, { worker: '1' }],
  ['RotundaSoundLeftOut', 'critical', { 'rotunda_worker_shed_level{worker="1"}': '0x60 33x540' }, 12, { worker: '1' }],
  ['RotundaKernelDropsPackets', 'warning', { 'rotunda_dropped_packets_total{worker="0",reason="kernel_receive_queue"}': '0x60 0+20x540' }, 20, { worker: '0', reason: 'kernel_receive_queue' }],
  ['RotundaTransportsFail', 'warning', { 'rotunda_transports_dtls{state="failed"}': '0x60 6x540', 'rotunda_transports_dtls{state="connected"}': '20x600' }, 16, { job: undefined }],
  ['RotundaJoinsRefused', 'warning', { rotunda_joins_refused_total: '0x60 0+20x540', rotunda_joins_total: '0+10x600' }, 20, {}],
  ['RotundaCommandsWait', 'warning', { rotunda_commands_waiting: '0x60 5x540' }, 12, {}],
  ['RotundaControlMemoryHigh', 'warning', { rotunda_control_memory_bytes: '1000x60 900000000x540' }, 16, {}],
  ['RotundaLogLinesLost', 'warning', { rotunda_log_lines_dropped_total: '0x60 7x540' }, 11, {}],
];
const LITTLE = {
  rotunda_threads_stuck: '0x600',
  'rotunda_worker_loop_lag_seconds{worker="0"}': '0.001x57 0.03x5 0.001x536',
  'rotunda_worker_shed_level{worker="1"}': '0x57 33x5 0x536',
  'rotunda_dropped_packets_total{worker="0",reason="kernel_receive_queue"}': '0x60 100x540',
  'rotunda_dropped_packets_total{worker="0",reason="stranger"}': '0+1000x600',
  'rotunda_transports_dtls{state="failed"}': '6x600',
  'rotunda_transports_dtls{state="connected"}': '200x600',
  rotunda_joins_refused_total: '0+20x600',
  rotunda_joins_total: '0+30x600',
  rotunda_commands_waiting: '0x57 5x3 0x538',
  rotunda_control_memory_bytes: '1000x57 900000000x5 1000x536',
  rotunda_log_lines_dropped_total: '7x600',
};

test('each alert fires when it should, and at nothing else', { timeout: 120_000 }, (t) => {
  if (spawnSync('promtool', ['--version']).error) return t.skip('no promtool (Debian package prometheus)');
  const folder = mkdtempSync(`${tmpdir()}/rotunda-alerts-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const rules = readFileSync(`${FOLDER}/rotunda-alerts.yml`, 'utf8');
  const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  assert.deepEqual(ALARMS.map(([name]) => name), names, 'one row an alert');
  const labelled = (name) => `${name.includes('{') ? name.replace('}', ',') : `${name}{`}job="rotunda",instance="a"}`;
  const world = (series) => ({ interval: '10s', input_series: Object.entries({ ...CALM, ...series }).map(([name, values]) => ({ series: labelled(name), values })) });
  const summary = (name) => new RegExp(`alert: ${name}\\n[^]*?summary: (.*)`).exec(rules)[1];
  const tests = ALARMS.map(([alertname, severity, series, minutes, labels]) => ({
    ...world(series),
    alert_rule_test: [
      { eval_time: '9m', alertname, exp_alerts: [] },
      { eval_time: `${minutes}m`, alertname, exp_alerts: [{ exp_labels: { severity, job: 'rotunda', instance: 'a', ...labels }, exp_annotations: { summary: summary(alertname) } }] },
    ],
  }));
  tests.push({ ...world(LITTLE), alert_rule_test: names.flatMap((alertname) => [10, 30, 90].map((minutes) => ({ eval_time: `${minutes}m`, alertname, exp_alerts: [] }))) });
  writeFileSync(`${folder}/tests.yml`, JSON.stringify({ rule_files: [`${FOLDER}/rotunda-alerts.yml`], evaluation_interval: '10s', tests }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', `${folder}/tests.yml`], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
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
