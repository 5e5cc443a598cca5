/** Something asked in between; whoever closes it is back where they were. */
import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode } from "react";
import { texts } from "../texts";

type Props = { title: string; open: boolean; close: () => void; children: ReactNode; text?: string };

export function Asked({ title, open, close, children, text }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-30 bg-black/50" />
        <Dialog.Popup className="fixed inset-x-4 top-[6dvh] z-30 mx-auto max-h-[88dvh] max-w-lg overflow-y-auto rounded-3xl border border-line bg-card p-6 text-ink shadow-2xl outline-none">
          <div className="mb-4 flex items-start justify-between gap-4">
            <Dialog.Title className="text-2xl font-bold">{title}</Dialog.Title>
            <Dialog.Close
              aria-label={texts.state.close}
              className="-m-2 grid size-11 shrink-0 place-items-center rounded-full text-2xl hover:bg-sunk"
            >
              ×
            </Dialog.Close>
          </div>
          {text && <Dialog.Description className="mb-5 text-soft">{text}</Dialog.Description>}
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
