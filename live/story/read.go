package story

import (
	"fmt"
	"strconv"
	"strings"
)

// Block is one command of a story and what it must print.
type Block struct {
	Line   int // of the command, 1-based
	Prose  string
	Cmd    string
	Args   []string
	Input  string
	Expect string
	header string
}

// separator stands between a command and what it prints.
const separator = "----"

// Read splits a story into blocks. Errors name file and line.
func Read(file, text string) ([]Block, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var blocks []Block
	for i := 0; i < len(lines); {
		var b Block
		start := i
		for i < len(lines) && (lines[i] == "" || strings.HasPrefix(lines[i], "#")) {
			i++
		}
		b.Prose = joinLines(lines[start:i])
		if i == len(lines) {
			if len(blocks) > 0 || b.Prose != "" {
				blocks = append(blocks, Block{Line: i, Prose: b.Prose})
			}
			break
		}
		next, err := b.read(file, lines, i)
		if err != nil {
			return nil, err
		}
		blocks, i = append(blocks, b), next
	}
	return blocks, nil
}

// read reads the command at line i and returns the line after the block.
func (b *Block) read(file string, lines []string, i int) (int, error) {
	b.Line, b.header = i+1, lines[i]
	words := strings.Fields(lines[i])
	if len(words) == 0 {
		return 0, fmt.Errorf("%s:%d: a line of white space alone: want a command, a comment or an empty line", file, b.Line)
	}
	b.Cmd, b.Args = words[0], words[1:]
	start := i + 1
	for i = start; i < len(lines) && lines[i] != separator; i++ {
	}
	if i == len(lines) {
		return 0, fmt.Errorf("%s:%d: %s: want a line %q and what the command prints", file, b.Line, b.name(), separator)
	}
	b.Input = joinLines(lines[start:i])
	start = i + 1
	for i = start; i < len(lines) && lines[i] != ""; i++ {
	}
	b.Expect = joinLines(lines[start:i])
	return i, nil
}

// name is the command for a message: a file that is no story may have anything there.
func (b *Block) name() string {
	const most = 40
	if q := strconv.QuoteToASCII(b.Cmd); len(b.Cmd) > most || q != `"`+b.Cmd+`"` {
		return q[:min(len(q), most)] + "…"
	}
	return b.Cmd
}

func joinLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// write is the block with what it printed.
func (b *Block) write(out *strings.Builder, printed string) {
	out.WriteString(b.Prose)
	if b.Cmd == "" {
		return
	}
	fmt.Fprintf(out, "%s\n%s%s\n%s", b.header, b.Input, separator, printed)
}
