// A level of sound as it is shown: few steps, so that what nobody could tell apart draws nothing anew.
export const LEVEL_STEPS = 4;
const QUIETEST_DBOV = -55;
const LOUDEST_DBOV = -15;

export function levelStep(levelDbov: number): number {
  const share = (levelDbov - QUIETEST_DBOV) / (LOUDEST_DBOV - QUIETEST_DBOV);
  return Math.max(0, Math.min(LEVEL_STEPS, Math.ceil(share * LEVEL_STEPS)));
}

// By userId; who is silent is left out.
export const levelSteps = (levels: { userId: string; level: number }[]): Record<string, number> =>
  Object.fromEntries(levels.map(({ userId, level }) => [userId, levelStep(level)]).filter(([, step]) => step !== 0));
