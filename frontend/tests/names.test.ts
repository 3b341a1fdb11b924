import { expect, test } from 'vitest';
import { nameProblem, secretProblem } from '@/lib/names';

test.each([
  ['Ann', null],
  ['  José  ', null],
  ['👩‍👩‍👧', null],
  ['آنا', null],
  ['', 'empty'],
  [' \t ', 'empty'],
  ['Ann \ud83d', 'half'],
  ['\ude00Ann', 'half'],
  ['An\u0000n', 'control'],
  ['An\nn', 'control'],
  ['\u200b\u200b', 'unseen'],
  ['\u200e \u2060', 'unseen'],
  ['\u115f', 'unseen'],
  ['😀'.repeat(40), null],
  ['😀'.repeat(41), 'long'],
])('%j: %s', (name, problem) => expect(nameProblem(name, 40)).toBe(problem));

test.each([
  ['', null],
  [' ', null],
  ['tulip', 'short'],
  [' tulip ', 'short'],
  ['tulips', null],
  ['😀'.repeat(5), 'short'],
  ['😀'.repeat(6), null],
  ['tu\nlips', 'control'],
  ['t'.repeat(41), 'long'],
])('the word %j: %s', (word, problem) => expect(secretProblem(word)).toBe(problem));
