/** The real nginx as a backend. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort, type Program, startProgram, untilAccepts } from './peer-program.js';

export interface NginxOptions {
  /** What stands inside of `server { }`, besides `listen` and `root`. */
  readonly server: string;
  /** Files below the root, by path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

export interface RunningNginx {
  readonly port: number;
  /** Where the files are. */
  readonly root: string;
  readonly program: Program;
}

/**
 * Starts nginx as one process in the foreground, with everything it writes in a directory of its own. Each
 * response says in X-Connection which connection it came on, and which request of that connection it answers.
 */
export async function startNginx(t: Test, path: string, options: NginxOptions): Promise<RunningNginx> {
  const dir = await mkdtemp(join(tmpdir(), 'usher-nginx-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const root = join(dir, 'root');
  await mkdir(join(root, 'upload'), { recursive: true });
  for (const [name, content] of Object.entries(options.files ?? {})) await writeFile(join(root, name), content);
  const port = await freePort();
  await writeFile(join(dir, 'nginx.conf'), configuration(dir, root, port, options.server));
  const program = startProgram(t, path, ['-p', dir, '-e', 'stderr', '-c', join(dir, 'nginx.conf')]);
  await untilAccepts(port, program);
  return { port, root, program };
}

function configuration(dir: string, root: string, port: number, server: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `  ${name}_temp_path ${dir}/${name};\n`)
    .join('');
  return `daemon off;
master_process off;
pid ${dir}/nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
${temporary}  access_log off;
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port};
    root ${root};
    add_header X-Connection "$connection $connection_requests" always;
    ${server}
  }
}
`;
}
