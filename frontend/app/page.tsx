import { Conference } from '@/components/conference';

export default function Page() {
  return <Conference />;
}
