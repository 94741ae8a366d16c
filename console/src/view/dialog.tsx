import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { text } from "../text";

interface DialogProps {
  name: string;
  class: string;
  children: ComponentChildren;
  onClose: () => void;
}

/** Something that lies above the page until it is closed; Escape and a click beside it do. */
export function Dialog({ name, class: kind, children, onClose }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const back = document.activeElement;
    box.current?.showModal();
    return () => {
      if (back instanceof HTMLElement && back.isConnected) back.focus();
    };
  }, []);
  return (
    <dialog
      ref={box}
      class={`dialog ${kind}`}
      aria-label={name}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === box.current) onClose();
      }}
      onKeyDown={(event) => {
        // The page's own keys have no meaning here.
        event.stopPropagation();
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-inside">{children}</div>
    </dialog>
  );
}

export function DialogHead({ title, onClose }: { title: string; onClose: () => void }) {
  return (
    <header class="dialog-head">
      <h2>{title}</h2>
      <button type="button" class="plain" onClick={onClose}>
        {text.close}
      </button>
    </header>
  );
}
