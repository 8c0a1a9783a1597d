/** Text in lines of a width, broken between words. */

/** How many columns a text takes, one for each character. */
export function columns(text: string): number {
  return [...text].length;
}

/** Lines of at most `width` columns; a longer word has a line of its own, whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ +/).filter(word => word !== '')) {
    if (line !== '' && columns(line) + 1 + columns(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** The same behind a heading; the other lines are indented as far as the first. `  at  text`. */
export function hang(heading: string, text: string, width: number): string[] {
  const indent = ' '.repeat(columns(heading));
  return wrap(text, Math.max(MIN_WIDTH, width - columns(heading))).map(
    (line, index) => `${index === 0 ? heading : indent}${line}`,
  );
}

/** A narrower column is not read but spelt. */
const MIN_WIDTH = 20;

/** A story: paragraphs between empty lines are wrapped, indented lines stay as they are. */
export function wrapStory(story: string, width: number): string[] {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const finish = () => {
    lines.push(...wrap(paragraph.join(' '), width));
    paragraph = [];
  };
  for (const line of story.trim().split('\n')) {
    const isText = line.trim() !== '' && !/^\s/.test(line);
    if (isText) paragraph.push(line);
    else {
      finish();
      lines.push(line.trimEnd());
    }
  }
  finish();
  return lines;
}
