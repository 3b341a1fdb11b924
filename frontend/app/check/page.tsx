import { CheckPage } from '@/components/check-page';

export default function Page() {
  return <CheckPage />;
}
