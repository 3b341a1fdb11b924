// The way from a banner to the page that says which part of a connection fails; the call stays where it is.
import Link from 'next/link';
import { useT } from '@/lib/i18n';

export function CheckLink() {
  const t = useT();
  return (
    <Link
      href="/check"
      target="_blank"
      prefetch={false}
      className="inline-flex min-h-11 items-center underline sm:min-h-9"
    >
      {t('lobby.check')}
    </Link>
  );
}
