package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"nashprune/trainer/backend"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// Run is what the folder of a finished run says.
type Run struct {
	Config  settings.Config
	Result  record.Result
	Epochs  []record.EpochLine // of the run's own training, and of the baseline where there is one
	Rounds  []record.RoundLine // of the market or of a ranking; empty in other games
	Players []record.Player    // empty without a game

	Certificate *record.Certificate // once ReadCertificate has read it
}

// The most that is read of each file, in bytes, which keeps a file that is none of ours
// from filling the memory. Files that grow with the run have a size for each of what they
// hold, with room for the longest numbers; extra is for all else in them.
const (
	maxConfig = 1 << 20
	maxResult = 1 << 24
	maxLine   = 1 << 20 // of the metrics
	extra     = 1 << 24

	lineBytes         = 1 << 10 // of a line of metrics, but for
	lineGateBytes     = 1 << 9  // what it says of each gate
	playerBytes       = 1 << 9  // of a row of players.csv, without the name of its gate
	certifiedBytes    = 1 << 11 // of a player in equilibrium.json
	certifiedGateSize = 1 << 10 // of a gate there, without its name
)

// largest returns the most bytes that a file of the run can have, as far as its result and
// its configuration are known.
func (run *Run) largest(file string) int64 {
	gates, names, players := int64(len(run.Result.Gates)), int64(0), int64(0)
	for _, g := range run.Result.Gates {
		names, players = max(names, int64(len(g.Name))), players+int64(g.Players)
	}
	line := lineBytes + lineGateBytes*gates
	switch file {
	case record.ResultFile:
		return maxResult
	case record.MetricsFile:
		const (
			trainings = 2 // with a baseline
			base64    = 2 // of a byte, rounded up
		)
		return extra + (line+base64*players)*int64(trainings*run.Config.Epochs+run.Config.Rounds)
	case record.PlayersFile:
		const quoted = 2 // a quote in a name is written twice
		return extra + players*(playerBytes+quoted*names)
	case record.WeightsFile:
		const numbers = 8 // of a weight, or a price
		return extra + players*numbers + gates*numbers*int64(run.Config.Rounds)
	case record.CertificateFile:
		return extra + gates*(certifiedGateSize+names) + line*int64(run.Config.Rounds) + players*certifiedBytes
	default:
		return maxConfig
	}
}

// ReadRun reads the folder of a finished run, with a game or without. Its errors
// name the file, and the line where there is one, that is missing, damaged, too
// large, of another version, or at odds with the other files.
func ReadRun(dir string) (*Run, error) {
	run := new(Run)
	for _, part := range []struct {
		file string
		read func(io.Reader) error
	}{
		{record.ResultFile, run.readResult},
		{record.ConfigFile, run.readConfig},
		{record.MetricsFile, run.readMetrics},
		{record.PlayersFile, run.readPlayers},
	} {
		if part.file == record.PlayersFile && !run.removes() {
			continue
		}
		if err := run.readFile(dir, part.file, part.read); err != nil {
			return nil, err
		}
	}
	return run, nil
}

// ReadCertificate reads the certificate of a run with a game from its folder. Its
// errors are like those of [ReadRun].
func (run *Run) ReadCertificate(dir string) error {
	if err := run.hasCertificate(); err != nil {
		return err
	}
	return run.readFile(dir, record.CertificateFile, func(from io.Reader) error {
		certificate, err := record.ReadCertificate(from)
		if err != nil {
			return err
		}
		if want := len(run.Result.Gates); len(certificate.Layers) != want {
			return fmt.Errorf("it is about %d gates, and the network had %d", len(certificate.Layers), want)
		}
		run.Certificate = certificate
		return nil
	})
}

// hasCertificate says why there can be none where there was no game.
func (run *Run) hasCertificate() error {
	switch {
	case !run.removes():
		return errNoGame
	case run.ranked():
		return rankedError{}
	}
	return nil
}

// rankedError is why a run in which players were only ranked has no certificate. It
// is of the kind [os.ErrNotExist]: such a run explains itself without one.
type rankedError struct{}

func (rankedError) Error() string {
	return "the run had no game: its players were ranked and the last removed, so there is no equilibrium and no account of a player (" +
		record.PlayersFile + " has their scores)"
}

func (rankedError) Is(target error) bool { return target == os.ErrNotExist }

// errNoGame is what there is to say about a run without a game.
var errNoGame = errors.New("the run was trained without a game: there is nothing to explain")

// ReadConfig reads the configuration of a run, finished or not, from its folder.
func ReadConfig(dir string) (settings.Config, error) {
	run := new(Run)
	err := run.readFile(dir, record.ConfigFile, run.readConfig)
	return run.Config, err
}

// readFile reads a file of a run folder, but not more of it than such a file can have.
func (run *Run) readFile(dir, name string, read func(io.Reader) error) error {
	path := filepath.Join(dir, name)
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s is not the folder of a finished run: %w", dir, err)
	}
	defer file.Close()
	most := run.largest(name)
	if err := read(&limited{from: file, left: most, most: most}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// removes says whether players could leave in the run, by a game or by a ranking.
func (run *Run) removes() bool { return run.Result.Pruned != nil }

// ranked says whether they left by a ranking.
func (run *Run) ranked() bool { return run.removes() && run.Result.Pruned.Criterion != "" }

func (run *Run) readResult(from io.Reader) error {
	text, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	result, err := record.ReadResult(text)
	if line := lineOf(text, err); line > 0 {
		return fmt.Errorf("line %d: %w", line, backend.PlainJSON(err))
	}
	if err != nil {
		return err
	}
	run.Result = *result
	return checkResult(result)
}

// lineOf returns the line, from 1, at which decoding text as JSON failed; 0 if it did not.
func lineOf(text []byte, err error) int {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
		offset int64
	)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	default:
		return 0
	}
	return 1 + bytes.Count(text[:min(int(offset), len(text))], []byte("\n"))
}

func (run *Run) readConfig(from io.Reader) error {
	text, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	if run.Config, err = settings.Read(text); err != nil {
		return err
	}
	return checkConfig(run.Config)
}

// readMetrics reads one JSON object a line. A line about a round has a round in
// it, and any other is about an epoch.
func (run *Run) readMetrics(from io.Reader) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	number := 1
	for ; lines.Scan(); number++ {
		var line struct {
			record.EpochLine
			Round int `json:"round"`
		}
		err := json.Unmarshal(lines.Bytes(), &line)
		switch {
		case err != nil:
		case line.Round == 0:
			if err = run.checkEpoch(line.EpochLine); err == nil {
				run.Epochs = append(run.Epochs, line.EpochLine)
			}
		default:
			var round record.RoundLine
			if err = json.Unmarshal(lines.Bytes(), &round); err == nil {
				err = run.checkRound(round)
			}
			if err == nil {
				run.Rounds = append(run.Rounds, round)
			}
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, backend.PlainJSON(err))
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("line %d is longer than %s, and no run writes that much", number, size(maxLine))
	case err != nil:
		return fmt.Errorf("line %d: %w", number, err)
	}
	return nil
}

func (run *Run) readPlayers(from io.Reader) error {
	players, err := record.ReadPlayers(from)
	if err != nil {
		return err
	}
	run.Players = players
	for i, p := range players {
		if err := run.checkPlayer(p); err != nil {
			return fmt.Errorf("line %d: %w", i+2, err)
		}
	}
	return nil
}

// limited reads from a reader and fails, rather than ending as io.LimitReader
// does, when there is more than the limit.
type limited struct {
	from       io.Reader
	left, most int64
}

func (l *limited) Read(into []byte) (int, error) {
	n, err := l.from.Read(into[:min(int64(len(into)), l.left+1)])
	if l.left -= int64(n); l.left < 0 {
		return 0, fmt.Errorf("it is larger than %s, and no run writes that much", size(int(l.most)))
	}
	return n, err
}
