// What is wrong with a name before the server has to say so.
export const USERNAME_CHARS_MAX = 40;
export const ROOM_CHARS_MAX = 60;
export const SECRET_CHARS_MAX = 40; // of a call; with both names in the name of its room, of which the server takes 128
export const SECRET_CHARS_MIN = 6; // each guess costs whoever guesses a room, of which an address gets so many a minute

export type NameProblem = 'empty' | 'half' | 'control' | 'unseen' | 'long';

// null: nothing. Characters are counted as the server counts them: an emoji is one.
export function nameProblem(text: string, charsMax: number): NameProblem | null {
  const name = text.trim();
  if (name === '') return 'empty';
  if (/\p{Surrogate}/u.test(name)) return 'half'; // an emoji that was cut in two
  if (/\p{Control}/u.test(name)) return 'control';
  // Spaces of any kind and characters of no width alone are no name that anybody could read.
  if (!/[^\p{Z}\p{Cf}\p{M}\p{Default_Ignorable_Code_Point}]/u.test(name)) return 'unseen';
  return [...name].length > charsMax ? 'long' : null;
}

// null: nothing, or no word yet.
export function secretProblem(text: string): NameProblem | 'short' | null {
  const problem = nameProblem(text, SECRET_CHARS_MAX);
  if (problem === 'empty') return null;
  return problem ?? ([...text.trim()].length < SECRET_CHARS_MIN ? 'short' : null);
}
