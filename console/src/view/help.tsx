import { text } from "../text";
import { Dialog, DialogHead } from "./dialog";

function Pairs({ title, of }: { title: string; of: readonly string[][] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {of.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** All keys, and how to search. */
export default function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog name={text.helpTitle} class="help" onClose={onClose}>
      <DialogHead title={text.helpTitle} onClose={onClose} />
      <div class="help-columns">
        <Pairs title={text.keysTitle} of={text.keyHelp} />
        <Pairs title={text.searchTitle} of={text.searchHelp} />
      </div>
    </Dialog>
  );
}
