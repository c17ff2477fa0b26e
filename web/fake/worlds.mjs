/** Projects the fake server can play: one per question kind, item kind and state. */

const OPENERS = [
  "Bought this in March",
  "My second one already",
  "A gift from my sister",
  "Ordered it for the office",
  "Had high hopes",
  "Was sceptical at first",
];
const GOOD = [
  "and it has not let me down once",
  "and the battery easily lasts a week",
  "and I would buy it again tomorrow",
  "and the sound is wonderfully warm",
];
const BAD = [
  "but the hinge broke after ten days",
  "but it arrived with a dead pixel",
  "but the manual is a joke",
  "but support never answered my mails",
];
const ENDS = [
  "Packaging was fine.",
  "For the price, you decide.",
  "My neighbour says the same.",
  "Delivery took four days; nobody rang, the parcel simply stood in the rain until evening.",
];

const at = (list, n) => list[n % list.length];

function review(n) {
  const middle = n % 3 === 0 ? at(BAD, n) : at(GOOD, n >> 1);
  const more = n % 5 === 0 ? ` ${at(ENDS, n + 1)} ${at(ENDS, n + 2)}` : "";
  return `${at(OPENERS, n)}, ${middle}. ${at(ENDS, n)}${more}`;
}

const labels = (...names) =>
  names.map((name) => {
    const [id, description = ""] = name.split("|");
    return { id, name: id, description };
  });

const question = (kind, text, more = {}) => ({
  kind,
  name: "answer",
  version: 1,
  text,
  guideline: "",
  ...more,
});

const choice = question("choice", "How does the writer feel?", {
  labels: labels("Positive|would buy it again", "Negative|regrets it", "Mixed"),
});

const GUIDELINE = `Judge the **whole** text, not its first sentence.

1. *Positive*: the writer would buy it again.
2. *Negative*: the writer regrets it.
3. *Mixed*: good and bad weigh about the same.

> In doubt, ask yourself what the writer would tell a friend.`;

const INTENTS =
  "card arrival, card linking, exchange rate, card payment wrong rate, extra charge on statement, pending cash withdrawal, fiat currency support, card delivery estimate, automatic top up, card not working, exchange via app, lost or stolen card, age limit, pin blocked, contactless not working, top up by bank transfer charge, pending top up, cancel transfer, top up limits, wrong amount of cash received, card payment fee charged, transfer not received by recipient, supported cards and currencies, getting virtual card, card acceptance, top up reverted, balance not updated after cheque deposit, edit personal details, why verify identity, unable to verify identity, get physical card, visa or mastercard, topping up by card, disposable card limits, compromised card, atm support, direct debit payment not recognised, passcode forgotten, declined cash withdrawal, pending card payment, lost or stolen phone, request refund, declined transfer, refund not showing up, declined card payment, pending transfer, terminate account, card swallowed, transaction charged twice, verify source of funds, transfer timing, reverted card payment, change pin, beneficiary not allowed, transfer fee charged, receiving money, failed transfer, transfer into account, verify top up, getting spare card, top up by cash or cheque, order physical card, virtual card not working, wrong exchange rate for cash withdrawal, get disposable virtual card, top up failed, balance not updated after bank transfer, cash withdrawal not recognised, exchange charge, top up by card charge, activate my card, cash withdrawal charge, card about to expire, apple pay or google pay, verify my identity, country support".split(
    ", ",
  );

const CHAT = JSON.stringify([
  { role: "system", content: "You are a helpful assistant of a public library." },
  { role: "user", content: "Can I renew a book that somebody else has reserved?" },
  {
    role: "assistant",
    content:
      "I'm afraid not: once somebody waits for it, the date stands. I can put you on the list for the next copy. Shall I?",
  },
  { role: "user", content: "Yes please, and remind me two days before this one is due." },
]);

const REPLIES = [
  "Mix flour, a pinch of salt and water to a smooth dough. Let it rest for half an hour under a bowl. Roll it as thin as you can, then bake two minutes on each side in a very hot, dry pan.",
  "Flatbread is a type of bread. There are many kinds of flatbread in the world. You can buy flatbread in most shops. I hope this helps! Let me know if you have any other questions.",
];

const RTL = [
  "اشتريت هذا الجهاز قبل شهرين وما زال يعمل بشكل ممتاز، والبطارية تدوم أسبوعا كاملا.",
  "السماعة جميلة لكن الصوت ضعيف جدا، وخدمة العملاء لم ترد على رسائلي أبدا.",
];
const PEOPLE = [
  "Marie Curie left Warsaw for Paris in 1891 and met Pierre at the Sorbonne 👩🏽‍🔬 three years later.",
  "In Zürich, José Álvarez of Café Müller told the Neue Zürcher Zeitung that prices won't rise before May.",
];

const MARKDOWN = `# Release 2.4

The **scheduler** no longer drops jobs when the clock goes back ([details](https://example.org/notes)).

- retries wait \`2^n\` seconds
- a job with *no* owner is refused
  - also over the API

| setting | before | now |
|---|---|---|
| retries | 3 | 5 |
| timeout | 30 s | 60 s |

\`\`\`
scheduler --retries 5
\`\`\`

> Upgrade workers first. <script>alert(1)</script>`;

const alike = (n) => ({
  item: { key: `row ${n}`, ...text(n) },
  answers: { answer: { label: n % 3 === 0 ? "Negative" : "Positive" } },
});

const hint = (n) => ({
  machine: {
    answer: {
      answer: { label: n % 3 === 0 ? "Negative" : "Positive" },
      confidence: 0.64 + (n % 4) / 12,
      words: review(n)
        .toLowerCase()
        .match(/[a-z']{4,}/g)
        .slice(0, 5)
        .map((word, at) => ({ word, weight: at === 3 ? -0.02 : 0.12 / (at + 1) })),
    },
  },
  alike: n === 0 ? [] : [alike(n + 3), alike(n + 6), alike(n + 5)],
});

const text = (n) => ({ text: review(n), kind: "text", fields: {} });

/** name -> { questions, item(n), and what differs from a plain project } */
export const WORLDS = {
  choice: {
    questions: [choice],
    item: (n) => ({
      ...text(n),
      fields: n % 2 ? {} : { product: "Radio R-20", stars: (n % 5) + 1 },
    }),
    guideline: GUIDELINE,
  },
  nudged: { questions: [choice], item: text, guideline: GUIDELINE, hints: "before", hint },
  lookback: { questions: [choice], item: text, hints: "after", hint },
  many: {
    questions: [question("choice", "What does the customer want?", { labels: labels(...INTENTS) })],
    item: (n) => ({
      text: at(
        [
          "I still haven't got my new card, it's been two weeks",
          "why did you charge me twice for one coffee??",
          "how do I change my PIN abroad",
        ],
        n,
      ),
      kind: "text",
      fields: {},
    }),
  },
  multichoice: {
    questions: [
      question("multichoice", "What is it about?", {
        labels: labels(
          "Battery",
          "Screen",
          "Sound",
          "Delivery",
          "Support|answers, refunds, repairs",
          "Price",
        ),
        least: 0,
        most: 3,
      }),
    ],
    item: text,
  },
  rating: {
    questions: [
      question("rating", "How helpful is this review?", {
        low: 1,
        high: 5,
        step: 1,
        low_name: "not at all",
        high_name: "very",
      }),
    ],
    item: text,
  },
  slider: {
    questions: [
      question("rating", "How likely is a return?", {
        low: 0,
        high: 100,
        step: 1,
        low_name: "certainly not",
        high_name: "certainly",
      }),
    ],
    item: text,
  },
  text: {
    questions: [question("text", "Correct the transcript.", { field: "transcript", longest: 400 })],
    item: (n) => ({
      text: "Recording 0421, speaker B, 12 seconds",
      kind: "text",
      fields: {
        transcript: `Their going to meet us at the the station on ${(n % 28) + 1} march, I think.`,
        speaker: "B",
      },
    }),
  },
  write: {
    questions: [question("text", "Sum it up in one sentence.", { field: null, longest: 200 })],
    item: text,
  },
  spans: {
    questions: [
      question("spans", "Mark people, places and organisations.", {
        labels: labels("Person", "Place", "Organisation", "Date"),
        overlap: true,
      }),
    ],
    item: (n) => ({ text: at(PEOPLE, n), kind: "text", fields: {} }),
  },
  pairwise: {
    questions: [question("pairwise", "Which reply is better?", { a: "reply_a", b: "reply_b" })],
    item: (n) => ({
      text: "How do I bake flatbread without an oven?",
      kind: "text",
      fields: { reply_a: REPLIES[n % 2], reply_b: REPLIES[(n + 1) % 2], source: "kitchen" },
    }),
  },
  chatpair: {
    questions: [question("pairwise", "Which conversation went better?", { a: "a", b: "b" })],
    item: () => ({
      text: "",
      kind: "text",
      fields: { a: CHAT, b: CHAT.replace("I'm afraid not", "No") },
    }),
  },
  several: {
    questions: [
      choice,
      {
        ...question("rating", "How well is it written?", {
          low: 1,
          high: 5,
          step: 1,
          low_name: "poorly",
          high_name: "very well",
        }),
        name: "style",
      },
      {
        ...question("multichoice", "What is it about?", {
          labels: labels("Battery", "Delivery", "Support"),
          least: 0,
          most: null,
        }),
        name: "topics",
      },
    ],
    item: text,
  },
  markdown: { questions: [choice], item: () => ({ text: MARKDOWN, kind: "markdown", fields: {} }) },
  chat: {
    questions: [question("choice", "Did the assistant help?", { labels: labels("Yes", "No") })],
    item: () => ({ text: CHAT, kind: "chat", fields: {} }),
  },
  image: {
    questions: [
      question("choice", "What is on the picture?", { labels: labels("Cat", "Dog", "Neither") }),
    ],
    item: () => ({ text: "pictures/1.svg", kind: "image", fields: {}, image: "/fake/picture.svg" }),
  },
  blur: {
    questions: [question("choice", "Is it safe to show?", { labels: labels("Safe", "Not safe") })],
    item: () => ({ text: "pictures/1.svg", kind: "image", fields: {}, image: "/fake/picture.svg" }),
    blur: true,
  },
  fields: {
    questions: [question("choice", "Approve the refund?", { labels: labels("Approve", "Refuse") })],
    item: (n) => ({
      text: "",
      kind: "fields",
      fields: {
        order: `A-${1000 + n}`,
        amount: 129.9,
        reason: "Arrived broken",
        photo: null,
        history: "2 orders, 0 refunds",
      },
    }),
  },
  json: {
    questions: [choice],
    item: (n) => ({
      text: JSON.stringify({
        tool: "send_mail",
        arguments: { to: "ops@example.org", subject: `Alert ${n}`, retry: true },
      }),
      kind: "json",
      fields: {},
    }),
  },
  rtl: {
    questions: [question("choice", "ما شعور الكاتب؟", { labels: labels("إيجابي", "سلبي") })],
    item: (n) => ({ text: at(RTL, n), kind: "text", fields: {} }),
  },
  chooser: { questions: [choice], item: text, others: { letters: "manager" } },
  learning: {
    questions: [choice],
    item: text,
    items: 0,
    progress: { phase: "learning", answered: 60, mine: 60, open: 0, remaining: 140, minutes: 9.5 },
    why: "The next items come when the model has learned from your 60 answers.",
  },
  empty: {
    questions: [choice],
    item: text,
    items: 0,
    progress: { phase: "asking", open: 8 },
    why: "Others have the 8 items that are left.",
  },
  closed: {
    questions: [choice],
    item: text,
    items: 0,
    progress: {
      phase: "closed",
      answered: 412,
      mine: 236,
      automatic: 1588,
      open: 0,
      remaining: 0,
      minutes: 0,
      bound: 0.0474,
      statement: "With 95 % certainty at most 4.8 % of these 2,000 labels are wrong.",
    },
    why: "The project is closed.",
  },
};
