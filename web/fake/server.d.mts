import type { Server } from "node:http";

export function fakeServer(): Server;
