package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// repository is the root of the tree, seen from this package.
const repository = "../.."

// TestGuides: every guide has a topic and every topic a guide, which prints, fits a
// terminal where text can be wrapped, and is linked from the README.
func TestGuides(t *testing.T) {
	readme := readText(t, filepath.Join(repository, "README.md"))
	root := succeed(t, "help")
	var names []string
	for _, topic := range topics {
		names = append(names, topic.name+guideSuffix)
		text := succeed(t, "help", topic.name)
		source := readText(t, filepath.Join(guideFolder, topic.name+guideSuffix))
		title, _, _ := strings.Cut(strings.TrimPrefix(source, "# "), "\n")
		if !strings.HasPrefix(text, title+"\n\n") || strings.ContainsAny(text, "`#") || strings.Contains(text, "](") {
			t.Errorf("help %s prints\n%s", topic.name, text)
		}
		guide, _, _ := strings.Cut(text, "\nThe command ")
		for _, line := range strings.Split(guide, "\n") {
			wrapped := strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "      ") && !strings.Contains(strings.TrimSpace(line), "  ")
			if wrapped && utf8.RuneCountInString(line) > defaultGuideColumns {
				t.Errorf("help %s: %d columns: %s", topic.name, utf8.RuneCountInString(line), line)
			}
		}
		if !strings.Contains(readme, "(cmd/nashprune/guides/"+topic.name+guideSuffix+")") {
			t.Errorf("the README has no link to the guide %s", topic.name)
		}
		if !strings.Contains(root, "  "+topic.name+" ") || !strings.Contains(root, topic.summary) {
			t.Errorf("help does not list the topic %s", topic.name)
		}
	}
	entries, err := guides.ReadDir(guideFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("%s belongs to no topic", path.Join(guideFolder, e.Name()))
		}
	}
}

// TestHelpSuggests: a name with a wrong letter gets the right one.
func TestHelpSuggests(t *testing.T) {
	for words, want := range map[string]string{
		"setings": "try nashprune help settings", // a topic
		"trian":   "try nashprune help train",    // a command
		"dat":     "try nashprune help data",     // both
		"nosuch":  "see nashprune help",
	} {
		code, stdout, stderr := execute(t, "help", words)
		refused(t, exitUsage, want, code, stdout, stderr)
	}
}

// TestPlainText: what a guide may hold, laid out for a terminal.
func TestPlainText(t *testing.T) {
	markdown := "# Title\n\nA `word` and a\n[guide](data.md) and a [page](../x.md).\n\n- one\n  **two** and more\n- three\n\n" +
		"```sh\nrun  --this\n```\n\n| a | b |\n|---|---|\n| `long` | x |\n"
	want := "Title\n\n  A word and a\n  nashprune help\n  data and a page.\n\n  - one two and\n    more\n  - three\n\n      run  --this\n\n  a     b\n  long  x\n"
	if got := plainText(markdown, 18); got != want {
		t.Errorf("laid out as\n%q, want\n%q", got, want)
	}
}

// Limits of the documents. Lines are wrapped at 110 columns; tables may have more.
const (
	maxReadme       = 12 << 10 // bytes
	maxArchitecture = 10 << 10 // bytes
	maxLine         = 110      // letters
	maxTableLine    = 120      // letters
)

// TestDocuments: Markdown files are short enough to be read, and their links lead
// somewhere.
func TestDocuments(t *testing.T) {
	for name, most := range map[string]int{"README.md": maxReadme, "ARCHITECTURE.md": maxArchitecture} {
		if size := len(readText(t, filepath.Join(repository, name))); size > most {
			t.Errorf("%s has %d bytes; it must have at most %d", name, size, most)
		}
	}
	for _, file := range markdownFiles(t) {
		text := readText(t, file)
		for i, line := range strings.Split(text, "\n") {
			most := maxLine
			if strings.HasPrefix(line, "|") {
				most = maxTableLine
			}
			if n := utf8.RuneCountInString(line); n > most {
				t.Errorf("%s:%d has %d letters; a line must have at most %d", file, i+1, n, most)
			}
		}
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			target, heading, _ := strings.Cut(found[2], "#")
			if strings.Contains(target, "://") {
				continue
			}
			linked := file
			if target != "" {
				linked = filepath.Join(filepath.Dir(file), target)
			}
			if _, err := os.Stat(linked); err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", file, found[2], err)
			} else if heading != "" && !slices.Contains(headings(readText(t, linked)), heading) {
				t.Errorf("%s: %s has no heading %q", file, linked, heading)
			}
		}
	}
}

// markdownFiles returns the Markdown files of the tree, without those in hidden
// folders, in folders of results and of packages of Node.js.
func markdownFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(repository, func(file string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != repository && (strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"runs", "node_modules"}, entry.Name())):
			return filepath.SkipDir
		case !entry.IsDir() && filepath.Ext(file) == guideSuffix:
			files = append(files, file)
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d Markdown files: %v", len(files), err)
	}
	return files
}

var headingLine = regexp.MustCompile(`(?m)^#+ (.*)$`)

// headings returns the anchors of a Markdown text's headings, as GitHub makes them.
func headings(text string) (anchors []string) {
	for _, found := range headingLine.FindAllStringSubmatch(text, -1) {
		anchors = append(anchors, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, found[1]))
	}
	return anchors
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
