/** What the page of a flow does, as a program does it. */

export type Language = 'aws cli' | 'boto3';

export interface Doing {
  instance: string;
  id: string;
  isModule: boolean;
  /** The name of the file that the content is in. */
  file: string;
  which: 'published' | 'saved';
}

const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Reads the content into a file, and publishes or saves what is in it. */
export function snippet(language: Language, { instance, id, isModule, file, which }: Doing): string {
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
