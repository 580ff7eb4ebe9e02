/** Problems of a content, each with its line. */
import type { FlowProblem } from '../api/flows';
import { indexJson, lineAt, offsetOf, type JsonIndex } from './json';

export interface Placed {
  severity: 'ERROR' | 'WARNING';
  path: string;
  /** The block's identifier. */
  action: string | undefined;
  line: number;
  column: number;
  message: string;
}

/** The fault of the syntax, as a problem. */
export function syntaxProblem(content: string, index: JsonIndex): Placed | undefined {
  if (!index.fault) return undefined;
  return { severity: 'ERROR', path: '', action: undefined, ...lineAt(content, index.fault.at), message: index.fault.message };
}

/** Gives each problem its place; the server's own line counts where it is given. */
export function placed(content: string, problems: readonly FlowProblem[]): Placed[] {
  const index = indexJson(content);
  const found = problems.map((problem): Placed => {
    const own = lineAt(content, offsetOf(index, problem.Path ?? ''));
    return {
      severity: problem.Severity === 'WARNING' ? 'WARNING' : 'ERROR',
      path: problem.Path ?? '',
      action: problem.Action ?? undefined,
      line: problem.Line ?? own.line,
      column: problem.Line ? (problem.Column ?? 1) : own.column,
      message: problem.Message,
    };
  });
  return found.sort((one, other) => one.line - other.line || one.column - other.column);
}

/** A problem of InvalidContactFlowException: one text, which begins with its path, or names a line or a JSON pointer. */
export function problemOfMessage(message: string): FlowProblem {
  const at = /line (\d+),? column (\d+)/.exec(message);
  if (at) return { Severity: 'ERROR', Path: '', Line: Number(at[1]), Column: Number(at[2]), Action: null, Message: message };
  const pointer = /^flow content: (\/\S+) /.exec(message)?.[1];
  if (pointer) return { Severity: 'ERROR', Path: pathOfPointer(pointer), Line: null, Column: null, Action: null, Message: message };
  const found = /^((?:Actions|modules|StartAction|start|Version|Metadata|Settings)(?:[.[]\S*)?) (.+)$/s.exec(message);
  return { Severity: 'ERROR', Path: found?.[1] ?? '', Line: null, Column: null, Action: null, Message: found?.[2] ?? message };
}

/** `/Actions/3/Type` is `Actions[3].Type`. */
export const pathOfPointer = (pointer: string): string =>
  pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part), '');

/** The identifier of the block that a path lies in. */
export function blockOfPath(path: string, blocks: readonly { path: string; id: string }[]): string | undefined {
  const own = /^(?:Actions|modules)\[\d+\]/.exec(path)?.[0];
  return own === undefined ? undefined : blocks.find((block) => block.path === own)?.id;
}
