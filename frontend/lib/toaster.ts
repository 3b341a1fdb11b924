// Toasts come with a library of their own, which nobody waits for in the lobby: it is fetched, and shown by the shell, when
// there is something to tell, and before a call is shown.
import { create } from 'zustand';

let mounted: () => void;
const isMounted = new Promise<void>((resolve) => (mounted = resolve));

export const useToaster = create<{ wanted: boolean }>(() => ({ wanted: false }));
export const toasterMounted = (): void => mounted();

// Resolves once toasts are seen.
export async function showToaster(): Promise<void> {
  useToaster.setState({ wanted: true });
  await isMounted;
}

// What went wrong, in words.
export async function tellFailure(words: string): Promise<void> {
  await showToaster();
  const { toast } = await import('sonner');
  toast.error(words);
}
