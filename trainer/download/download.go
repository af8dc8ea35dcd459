// Package download fetches files over HTTPS: resumed where a part of one is
// there already, bounded in size, and put in place only when a check has passed.
package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"nashprune/trainer/atomicfile"
)

// The kinds of failure that are not of the network or the disk. A caller may distinguish
// them apart; a user gets their text.
var (
	ErrRefused  = errors.New("refused")         // the server's answer, or an address that is not HTTPS
	ErrTooLarge = errors.New("too large")       // more bytes than File.Most
	ErrStalled  = errors.New("stalled")         // no byte for Client.Stall
	ErrUnsound  = errors.New("not what it was") // File.Check failed on a whole file
)

// partialSuffix is what the name of a file has at its end until it is whole.
const partialSuffix = ".partial"

// File is what to fetch.
type File struct {
	URL  string // https
	Path string // where the file belongs; its folder has to exist
	Most int64  // bytes that it may have
	Size int64  // bytes that it has; 0 where that is not known

	// Check reads a whole file and says whether it is what is wanted. Nothing takes
	// the name Path before it has said so.
	Check func(path string) error
}

// Client fetches files. The zero value is not useful; see [NewClient].
type Client struct {
	HTTP  *http.Client
	Stall time.Duration // longest wait for the next byte
	Tries int           // connections to try before giving up, at least 1
	Pause time.Duration // before a further try

	// Observe receives how many bytes of a file are there, and how many there will be, 0
	// where that is not known; may be nil.
	Observe func(f File, have, all int64)
}

const (
	connectTimeout = 30 * time.Second
	maxRedirects   = 5
	stall          = 30 * time.Second
	tries          = 4
	pause          = 2 * time.Second
)

// NewClient returns a client that speaks nothing but HTTPS and never waits for
// more than half a minute.
func NewClient() *Client {
	return &Client{
		HTTP: &http.Client{
			Transport: &http.Transport{
				Proxy:                 http.ProxyFromEnvironment,
				DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
				TLSHandshakeTimeout:   connectTimeout,
				ResponseHeaderTimeout: connectTimeout,
				DisableCompression:    true, // the bytes have to be those that were hashed
			},
			CheckRedirect: OnlyHTTPS,
		},
		Stall: stall, Tries: tries, Pause: pause,
	}
}

// OnlyHTTPS is a CheckRedirect that follows a few redirects, none to plain HTTP.
func OnlyHTTPS(request *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d redirects", ErrRefused, maxRedirects)
	}
	return checkScheme(request.URL.Scheme, request.URL.Host)
}

func checkScheme(scheme, host string) error {
	if scheme != "https" {
		return fmt.Errorf("%w: %s is asked for over %q, and only https is used", ErrRefused, host, scheme)
	}
	return nil
}

// Get fetches a file, going on with what an earlier call left of it. After an
// error there is nothing at Path that was not there before; what has arrived
// stays beside it for the next call, unless it is of no use. A file that turns
// out to be unsound after it was resumed is fetched once more from its start.
func (c *Client) Get(ctx context.Context, f File) error {
	partial := f.Path + partialSuffix
	resumed := false
	if info, err := os.Lstat(partial); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no file: remove it", partial)
		}
		resumed = info.Size() > 0
	}
	err := c.getOnce(ctx, f, partial)
	if errors.Is(err, ErrUnsound) && resumed && ctx.Err() == nil {
		err = c.getOnce(ctx, f, partial)
	}
	return err
}

func (c *Client) getOnce(ctx context.Context, f File, partial string) error {
	if err := c.fill(ctx, f, partial); err != nil {
		if errors.Is(err, ErrTooLarge) {
			err = errors.Join(err, os.Remove(partial))
		}
		return fmt.Errorf("fetch %s: %w", f.URL, atomicfile.Advised(err))
	}
	if err := f.Check(partial); err != nil {
		return fmt.Errorf("fetch %s: %w", f.URL, errors.Join(fmt.Errorf("%w: %w", ErrUnsound, err), os.Remove(partial)))
	}
	return atomicfile.Advised(place(partial, f.Path))
}

// place gives a file that is whole its name, for good.
func place(partial, path string) error {
	file, err := os.OpenFile(partial, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil { // Windows renames no open file
		return err
	}
	return os.Rename(partial, path)
}

// fill makes the partial file whole, trying again where a connection breaks.
func (c *Client) fill(ctx context.Context, f File, partial string) error {
	file, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	for try := 1; ; try++ {
		err = c.try(ctx, f, file)
		if err == nil || try >= c.Tries || !worthAnotherTry(ctx, err) {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(c.Pause):
		}
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// errInterrupted wraps what ends a connection that may be better the next time.
var errInterrupted = errors.New("the connection failed or ended early")

func worthAnotherTry(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (errors.Is(err, errInterrupted) || errors.Is(err, ErrStalled))
}

// try asks once for what is missing.
func (c *Client) try(ctx context.Context, f File, file *os.File) error {
	have, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have > f.Most || f.Size > 0 && have > f.Size {
		have = 0 // it cannot be a part of the file
	}
	if f.Size > 0 && have == f.Size {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(c.Stall, func() { cancel(fmt.Errorf("%w: no byte for %s", ErrStalled, c.Stall)) })
	defer watch.Stop()

	response, err := c.ask(ctx, f, have)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	all, have, err := c.accept(response, f, have)
	if err != nil {
		return err
	}
	if err := file.Truncate(have); err != nil {
		return err
	}
	if _, err := file.Seek(have, io.SeekStart); err != nil {
		return err
	}
	return c.copy(ctx, f, file, response.Body, watch, have, all)
}

// ask sends a request for what follows the bytes there are.
func (c *Client) ask(ctx context.Context, f File, have int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, err
	}
	if err := checkScheme(request.URL.Scheme, request.URL.Host); err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "nashprune")
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	response, err := c.HTTP.Do(request)
	switch {
	case err == nil:
		return response, nil
	case errors.Is(context.Cause(ctx), ErrStalled):
		return nil, context.Cause(ctx)
	case errors.Is(err, ErrRefused), ctx.Err() != nil:
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", errInterrupted, err)
}

// accept reads the head of an answer. It returns how many bytes the whole file
// has, 0 where that is not said, and from which on they come: from 0 where the
// server does not know what a range is, or has another file by now.
func (c *Client) accept(response *http.Response, f File, have int64) (all, from int64, err error) {
	length := max(response.ContentLength, 0)
	switch response.StatusCode {
	case http.StatusOK:
		all = length
	case http.StatusPartialContent:
		first, whole, ok := parseRange(response.Header.Get("Content-Range"))
		if !ok || first != have || whole > 0 && length > 0 && first+length != whole {
			return 0, 0, fmt.Errorf("%w: asked for bytes from %d on, and got %.60q of %d bytes", ErrRefused, have, response.Header.Get("Content-Range"), length)
		}
		all, from = whole, have
	case http.StatusRequestedRangeNotSatisfiable:
		if have > 0 { // the part is as long as the file, or longer
			return 0, 0, c.restart(f)
		}
		fallthrough
	default:
		err = fmt.Errorf("%w: the server says %.60q", ErrRefused, response.Status)
		if response.StatusCode >= http.StatusInternalServerError {
			err = fmt.Errorf("%w: %w", errInterrupted, err)
		}
		return 0, 0, err
	}
	switch {
	case all > f.Most:
		return 0, 0, fmt.Errorf("%w: the server offers %d bytes, and at most %d are taken", ErrTooLarge, all, f.Most)
	case f.Size > 0 && all > 0 && all != f.Size:
		return 0, 0, fmt.Errorf("%w: the server offers %d bytes, and the file has %d", ErrRefused, all, f.Size)
	}
	return all, from, nil
}

// restart empties the partial file, and asks for another try.
func (c *Client) restart(f File) error {
	if err := os.Truncate(f.Path+partialSuffix, 0); err != nil {
		return err
	}
	return fmt.Errorf("%w: the server has no more of the file than is there", errInterrupted)
}

// parseRange reads "bytes 5-9/10"; whole is 0 where the last number is a star.
func parseRange(text string) (first, whole int64, ok bool) {
	span, total, found := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	begin, _, dashed := strings.Cut(span, "-")
	first, err := strconv.ParseInt(begin, 10, 64)
	if !found || !dashed || err != nil || first < 0 {
		return 0, 0, false
	}
	if total == "*" {
		return first, 0, true
	}
	whole, err = strconv.ParseInt(total, 10, 64)
	return first, whole, err == nil && whole > first
}

// copy writes what arrives to the file.
func (c *Client) copy(ctx context.Context, f File, file *os.File, body io.Reader, watch *time.Timer, have, all int64) error {
	const chunk = 64 << 10
	buffer := make([]byte, chunk)
	for {
		c.observe(f, have, all)
		n, err := body.Read(buffer)
		if n > 0 {
			watch.Reset(c.Stall)
			if have += int64(n); have > f.Most {
				return fmt.Errorf("%w: more than the %d bytes that are taken", ErrTooLarge, f.Most)
			}
			if _, err := file.Write(buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF && (all == 0 || have == all):
			return nil
		case err == nil:
		case errors.Is(context.Cause(ctx), ErrStalled):
			return context.Cause(ctx)
		case ctx.Err() != nil:
			return fmt.Errorf("%w: what has arrived is kept in %s", ctx.Err(), filepath.Base(file.Name()))
		default:
			return fmt.Errorf("%w after %d bytes (%w): run it again to go on", errInterrupted, have, err)
		}
	}
}

func (c *Client) observe(f File, have, all int64) {
	if c.Observe != nil {
		c.Observe(f, have, max(all, f.Size))
	}
}
