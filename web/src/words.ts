/** Numbers, times and sentences as people read them. Pure. */

import type { Progress } from "./wire";

// Made once: making one takes longer than drawing an item.
const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** The time of day of an instant in RFC 3339, here. */
export function clock(instant: string): string {
  return timeOfDay.format(Date.parse(instant));
}

export function count(value: number): string {
  return whole.format(value);
}

/** "3 answers", "1 answer". */
export function counted(value: number, one: string, several = `${one}s`): string {
  return `${count(value)}\u00a0${value === 1 ? one : several}`;
}

/** A share of one as per cent, rounded up: a bound must not look smaller than it is. */
export function percentUp(share: number): string {
  return `${tenths.format(Math.ceil(share * 1000 - 1e-9) / 10)}\u00a0%`;
}

/** "under a minute", "14 min", "2 h 5 min". */
export function duration(minutes: number): string {
  if (minutes < 1) return "under a minute";
  const all = Math.round(minutes);
  if (all < 60) return `${all}\u00a0min`;
  const rest = all % 60;
  return `${Math.floor(all / 60)}\u00a0h${rest === 0 ? "" : `\u00a0${rest}\u00a0min`}`;
}

/** What is left for people, or nothing where nobody knows. */
export function forecast({ remaining, minutes, phase }: Progress): string | null {
  if (phase === "closed" || remaining === null) return null;
  const left = `about ${counted(remaining, "answer")} left`;
  return minutes === null ? left : `${left}, ${duration(minutes)}`;
}

/** The certificate in a sentence, or what would hold if the work stopped now. */
export function promise({ statement, bound, phase }: Progress): string {
  if (statement !== null) return statement;
  if (bound !== null) return `If you stopped now: at most ${percentUp(bound)} of all labels wrong`;
  switch (phase) {
    case "learning":
      return "The machine learns from your answers";
    case "auditing":
      return "Checking what the machine decided";
    case "finishing":
      return "People decide the rest";
    case "asking":
      return "Every answer counts towards the certificate";
    case "closed":
      return "Done";
  }
}

/** Whether `promise` says something of these labels, not only of the work. */
export function isPromise({ statement, bound }: Progress): boolean {
  return statement !== null || bound !== null;
}

/** Time of day where the reader is, or the date if it was another day. */
export function when(instant: string | number, now: number): string {
  const at = new Date(instant);
  const today = at.toDateString() === new Date(now).toDateString();
  return (today ? timeOfDay : day).format(at);
}
