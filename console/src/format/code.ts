/** Operations of Amazon Connect as commands of the AWS CLI and as Python. */

export type Language = 'aws cli' | 'boto3';
export const LANGUAGES: readonly Language[] = ['aws cli', 'boto3'];

interface Asked {
  operation: string;
  members: Record<string, unknown>;
  shell?: string;
}

/** A name of the model as botocore spells it: `S3Uri` is `s3_uri`. */
export const snake = (name: string): string => name.replace(/(.)([A-Z][a-z]+)/g, '$1_$2').replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
const kebab = (name: string): string => snake(name).replaceAll('_', '-');

/** A word of a POSIX shell. */
export const shell = (text: string): string => (/^[\w.,/:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

function option(name: string, value: unknown): string {
  const flag = `--${kebab(name)}`;
  if (typeof value === 'boolean') return value ? flag : `--no-${kebab(name)}`;
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')) return `${flag} ${value.map(shell).join(' ')}`;
  if (typeof value === 'object' && value !== null) return `${flag} ${shell(JSON.stringify(value))}`;
  return `${flag} ${shell(String(value))}`;
}

const command = ({ operation, members, shell: own }: Asked): string =>
  own ?? [`aws connect ${kebab(operation)}`, ...Object.entries(members).map(([name, value]) => `    ${option(name, value)}`)].join(' \\\n');

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** A value as Python writes it. */
export function python(value: unknown, indent = ''): string {
  const deeper = `${indent}    `;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every(isPlain)) return `[${value.map((one) => python(one)).join(', ')}]`;
    return `[\n${value.map((one) => `${deeper}${python(one, deeper)},\n`).join('')}${indent}]`;
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value);
    if (entries.length === 0) return '{}';
    if (entries.length < 4 && entries.every(([, one]) => isPlain(one))) return `{${entries.map(([name, one]) => `${JSON.stringify(name)}: ${python(one)}`).join(', ')}}`;
    return `{\n${entries.map(([name, one]) => `${deeper}${JSON.stringify(name)}: ${python(one, deeper)},\n`).join('')}${indent}}`;
  }
  return JSON.stringify(value);
}

function statement({ operation, members, shell: own }: Asked): string {
  if (own) return `# No client of boto3 has it. In a shell:\n${own.replace(/^/gm, '# ')}`;
  const entries = Object.entries(members);
  if (entries.length === 0) return `connect.${snake(operation)}()`;
  return `connect.${snake(operation)}(\n${entries.map(([name, value]) => `    ${name}=${python(value, '    ')},\n`).join('')})`;
}

/** An operation of tympan's own service as a command of a shell: curl signs the request. `options` are those of the shell. */
export const signedByCurl = (path: string, options: readonly string[]): string =>
  ['curl --aws-sigv4 "aws:amz:$AWS_REGION:tympan" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"', ...options, `"$AWS_ENDPOINT_URL"${shell(path)}`].join(' \\\n    ');

/** Operations under their titles, as a text to copy. */
export function code(language: Language, parts: readonly { title: string; asks: readonly Asked[] }[]): string {
  const shown = parts.filter((part) => part.asks.length > 0);
  const texts = shown.map(({ title, asks }) => `# ${title}\n${asks.map(language === 'aws cli' ? command : statement).join('\n')}\n`);
  const head = '# AWS_ENDPOINT_URL says where the server is.\n';
  return language === 'aws cli' ? `${head}${texts.join('\n')}` : `${head}import boto3\n\nconnect = boto3.client("connect")\n\n${texts.join('\n')}`;
}
