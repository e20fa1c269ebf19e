/**
 * An EventTarget whose events have names and details of known types.
 *
 *     /** @type {TypedEvents<{ sent: undefined, arrived: string }>} *\/
 *     const events = new TypedEvents();
 *     const stop = events.on("arrived", (clientId) => …);
 *     events.emit("arrived", "0b9c…");
 *
 * A listener that throws is reported by the browser and does not keep the others from running.
 *
 * @template {Record<string, unknown>} EventDetails
 */
export class TypedEvents extends EventTarget {
  /**
   * Calls `listener(detail)` for each event `type`; returns a function that removes the listener.
   *
   * @template {keyof EventDetails & string} Type
   * @param {Type} type
   * @param {(detail: EventDetails[Type]) => unknown} listener
   */
  on(type, listener) {
    const unpack = ({ detail }) => listener(detail);
    this.addEventListener(type, unpack);
    return () => this.removeEventListener(type, unpack);
  }

  /**
   * Calls the listeners of `type` with `detail`, in the order in which they were added.
   *
   * @template {keyof EventDetails & string} Type
   * @param {Type} type
   * @param {EventDetails[Type]} [detail]
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
