import { CheckPage } from '@/components/check_page';

export default function Page() {
  return <CheckPage />;
}
