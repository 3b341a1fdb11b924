import { CallPage } from '@/components/call_page';

export default function Page() {
  return <CallPage />;
}
