/** What a file seems to be that is neither JSON nor YAML. */

interface Look {
  readonly pattern: RegExp;
  readonly message: string;
}

const JSON_PLEASE = 'run the command again with --output json';

/** Patterns are tried on the first 2,000 characters, without white space before them. */
const LOOKS: readonly Look[] = [
  {
    pattern:
      /^(?:aws: \[?error|An error occurred \(|Unable to locate credentials|usage: aws |Could not connect to the end)/i,
    message: 'looks like an error message of the AWS command line: cure it and run the command again',
  },
  {
    pattern:
      /^(?:You must specify a region|The config profile|Error when retrieving|The SSO session|Unable to parse config)/,
    message: 'looks like an error message of the AWS command line: cure it and run the command again',
  },
  {
    pattern:
      /^(?:Error from server|error: |The connection to the server|Unable to connect to the server|No resources found)/,
    message: 'looks like a message of kubectl: run kubectl get svc -o json again',
  },
  {
    pattern: /^(?:NAMESPACE\s+)?NAME\s+TYPE\s+CLUSTER-IP/,
    message: 'looks like a table of kubectl: run kubectl get svc -o json',
  },
  { pattern: /^<(?:!doctype|html|\?xml|\w+[\s>])/i, message: 'looks like HTML or XML, and JSON is needed' },
  { pattern: /^-{5,}\s/, message: `looks like aws --output table: ${JSON_PLEASE}` },
  { pattern: /^[A-Z][A-Z\d]{3,}\t/, message: `looks like aws --output text: ${JSON_PLEASE}` },
  {
    pattern: /^(?:resource|data|provider|module|variable|terraform|locals) (?:"[^"\n]*" ?)*\{/,
    message: 'looks like a configuration of Terraform: only what the AWS command line prints can be read',
  },
  { pattern: /^\{\{/, message: 'looks like a template of Helm: render it first, with helm template' },
];

/** A sentence without its subject, the file. */
export function looksOfText(text: string): string | undefined {
  const start = text.slice(0, 2000).trimStart();
  return LOOKS.find(look => look.pattern.test(start))?.message;
}
