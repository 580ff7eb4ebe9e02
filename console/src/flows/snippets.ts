/** What the page of a flow does, as a program does it. */

export type Language = 'aws cli' | 'boto3';

export interface Doing {
  instance: string;
  id: string;
  isModule: boolean;
  /** The name of the file that the content is in. */
  file: string;
  which: 'published' | 'saved';
  /** What of the page is shown as code. */
  view?: 'content' | 'versions';
}

const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Keeps a version, lists versions, and saves the content of one. */
function versions(language: Language, { instance, id, isModule, file }: Doing): string {
  const [kind, Kind] = isModule ? ['contact-flow-module', 'ContactFlowModule'] : ['contact-flow', 'ContactFlow'];
  const snake = kind.replaceAll('-', '_');
  if (language === 'aws cli') {
    const of = (verb: string, own: string, ...rest: string[]): string => [`aws connect ${verb} --instance-id ${instance}`, `--${kind}-id ${own}`, ...rest].join(' \\\n    ');
    return [
      '# AWS_ENDPOINT_URL says where the server is.',
      of(`create-${kind}-version`, id),
      of(`list-${kind}-versions`, id),
      '# Saves the content of version 1: calls run what is published.',
      of(`describe-${kind}`, shell(`${id}:1`), `--query ${Kind}.Content --output text > ${shell(file)}`),
      of(`update-${kind}-content`, shell(`${id}:$SAVED`), `--content ${shell(`file://${file}`)}`),
      '',
    ].join('\n');
  }
  const own = `InstanceId="${instance}", ${Kind}Id="${id}`;
  return [
    '# AWS_ENDPOINT_URL says where the server is.',
    'import boto3',
    '',
    'connect = boto3.client("connect")',
    `connect.create_${snake}_version(${own}")`,
    `for version in connect.list_${snake}_versions(${own}")["${Kind}VersionSummaryList"]:`,
    '    print(version["Version"], version.get("VersionDescription", ""))',
    '',
    '# Saves the content of version 1: calls run what is published.',
    `flow = connect.describe_${snake}(${own}:1")["${Kind}"]`,
    `connect.update_${snake}_content(${own}:$SAVED", Content=flow["Content"])`,
    '',
  ].join('\n');
}

/** Reads the content into a file, and publishes or saves what is in it. */
export function snippet(language: Language, doing: Doing): string {
  if (doing.view === 'versions') return versions(language, doing);
  const { instance, id, isModule, file, which } = doing;
  const own = which === 'saved' ? `${id}:$SAVED` : id;
  const [kind, Kind] = isModule ? ['contact-flow-module', 'ContactFlowModule'] : ['contact-flow', 'ContactFlow'];
  const snake = kind.replaceAll('-', '_');
  if (language === 'aws cli') {
    return [
      '# AWS_ENDPOINT_URL says where the server is.',
      `aws connect describe-${kind} --instance-id ${instance} \\`,
      `    --${kind}-id ${shell(own)} \\`,
      `    --query ${Kind}.Content --output text > ${shell(file)}`,
      `# Publishes it; ${shell(`${id}:$SAVED`)} as the id only saves it.`,
      `aws connect update-${kind}-content --instance-id ${instance} \\`,
      `    --${kind}-id ${id} \\`,
      `    --content ${shell(`file://${file}`)}`,
      '',
    ].join('\n');
  }
  return [
    '# AWS_ENDPOINT_URL says where the server is.',
    'import boto3',
    '',
    'connect = boto3.client("connect")',
    `flow = connect.describe_${snake}(`,
    `    InstanceId="${instance}",`,
    `    ${Kind}Id="${own}",`,
    `)["${Kind}"]`,
    `with open(${JSON.stringify(file)}, "w") as file:`,
    '    file.write(flow["Content"])',
    '',
    `# Publishes it; "${id}:$SAVED" as the id only saves it.`,
    `with open(${JSON.stringify(file)}) as file:`,
    `    connect.update_${snake}_content(`,
    `        InstanceId="${instance}",`,
    `        ${Kind}Id="${id}",`,
    '        Content=file.read(),',
    '    )',
    '',
  ].join('\n');
}
