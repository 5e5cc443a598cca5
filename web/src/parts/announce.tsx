/** What has happened, said politely to those who do not see it, and shown for a moment. */
import { useEffect } from "react";
import { Store, useStore } from "../lib/store";

const said = new Store<{ text: string; shown: boolean; at: number }>({
  text: "",
  shown: false,
  at: 0,
});
const SHOWN = 4_000; // milliseconds

/** `quietly` for what can be seen anyway. */
export function announce(text: string, { quietly = false } = {}): void {
  said.set({ text, shown: !quietly, at: Date.now() });
}

export function Announcements() {
  const { text, shown, at } = useStore(said);
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => said.set({ text, shown: false, at }), SHOWN);
    return () => clearTimeout(timer);
  }, [text, shown, at]);
  return (
    <>
      <p role="status" className="sr-only">
        {text}
      </p>
      {shown && (
        <p
          aria-hidden
          key={at}
          className="animate-arrive fixed inset-x-4 bottom-4 z-30 mx-auto w-fit max-w-md rounded-2xl bg-ink px-5 py-3 text-center font-medium text-paper shadow-xl"
        >
          {text}
        </p>
      )}
    </>
  );
}
