package download_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nashprune/trainer/download"
)

// content is what the servers of the tests should give.
var content = bytes.Repeat([]byte("a line of some data\n"), 20_000)

// sound is the check of a file: that it holds content.
func sound(path string) error {
	got, err := os.ReadFile(path)
	if err == nil && !bytes.Equal(got, content) {
		err = fmt.Errorf("%d bytes that are others", len(got))
	}
	return err
}

// serve starts a server on loopback, and returns a client that trusts it and is
// impatient.
func serve(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *download.Client) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	client := download.NewClient()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	client.HTTP.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool}
	client.Stall, client.Pause = time.Second, time.Millisecond
	return server, client
}

// whole serves the content as a good server does.
func whole(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// cut serves content up to a place, and then ends the connection.
func cut(w http.ResponseWriter, r *http.Request, at int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content[:at])
	panic(http.ErrAbortHandler)
}

// TestServers: from good servers, and from some bad ones, the file arrives; from
// others there is an error and no file.
func TestServers(t *testing.T) {
	for _, c := range []struct {
		name    string
		partial []byte // there already
		size    int64  // known beforehand
		serve   func(try int, w http.ResponseWriter, r *http.Request)
		want    error  // nil: the file arrives
		words   string // of the error
		kept    bool   // a part stays for the next time
		tries   int
	}{
		{name: "good", serve: func(_ int, w http.ResponseWriter, r *http.Request) { whole(w, r) }, tries: 1},
		{name: "resumed", partial: content[:777], serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "bytes=777-" {
				t.Errorf("asked for %q", r.Header.Get("Range"))
			}
			whole(w, r)
		}, tries: 1},
		{name: "complete already", partial: content, size: int64(len(content)), serve: func(int, http.ResponseWriter, *http.Request) {}, tries: 0},
		{name: "complete, of unknown size", partial: content, serve: func(_ int, w http.ResponseWriter, r *http.Request) { whole(w, r) }, tries: 2},
		{name: "more than there is", partial: append(bytes.Clone(content), 1), size: int64(len(content)), serve: func(_ int, w http.ResponseWriter, r *http.Request) { whole(w, r) }, tries: 1},
		{name: "no ranges", partial: content[:777], serve: func(_ int, w http.ResponseWriter, r *http.Request) { _, _ = w.Write(content) }, tries: 1},
		{name: "resumed on another file", partial: []byte("other"), serve: func(_ int, w http.ResponseWriter, r *http.Request) { whole(w, r) }, tries: 2},
		{name: "cut and resumed", serve: func(try int, w http.ResponseWriter, r *http.Request) {
			if try == 1 {
				cut(w, r, 5000)
			}
			whole(w, r)
		}, tries: 2},
		{name: "stalls once", serve: func(try int, w http.ResponseWriter, r *http.Request) {
			if try == 1 {
				w.Header().Set("Content-Length", fmt.Sprint(len(content)))
				_, _ = w.Write(content[:9000])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return
			}
			whole(w, r)
		}, tries: 2},
		{name: "busy once", serve: func(try int, w http.ResponseWriter, r *http.Request) {
			if try == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			whole(w, r)
		}, tries: 2},
		{name: "redirects to itself", serve: func(try int, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/file" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			whole(w, r)
		}, tries: 2},
		{name: "always cut", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = w.Write(content[:5000])
			panic(http.ErrAbortHandler)
		}, want: errAny, words: "run it again", kept: true, tries: 4},
		{name: "always stalls", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // else an empty answer might reach a client that is slow to leave
		}, want: download.ErrStalled, words: "no byte for 1s", kept: true, tries: 4},
		{name: "redirects to http", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/file", http.StatusFound)
		}, want: download.ErrRefused, words: "only https", kept: true, tries: 1},
		{name: "redirects for ever", serve: func(_ int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/file", http.StatusFound) }, want: download.ErrRefused, words: "more than 5 redirects", kept: true, tries: 6},
		{name: "not there", serve: func(_ int, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, want: download.ErrRefused, words: "404", kept: true, tries: 1},
		{name: "wrong bytes", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("x"), len(content)))
		}, want: download.ErrUnsound, words: "bytes that are others", tries: 1},
		{name: "too few bytes", serve: func(_ int, w http.ResponseWriter, r *http.Request) { _, _ = w.Write(content[:10]) }, want: download.ErrUnsound, words: "10 bytes", tries: 1},
		{name: "wrong bytes after a part", partial: content[:777], serve: func(_ int, w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("x")) }, want: download.ErrUnsound, words: "others", tries: 2},
		{name: "offers too many bytes", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(1<<40))
			w.WriteHeader(http.StatusOK)
		}, want: download.ErrTooLarge, words: "1099511627776", tries: 1},
		{name: "gives too many bytes", serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush() // chunked: no length is said
			for range 100 {
				if _, err := w.Write(content); err != nil {
					return
				}
			}
		}, want: download.ErrTooLarge, words: "more than", tries: 1},
		{name: "another size than is known", size: int64(len(content)) + 1, serve: func(_ int, w http.ResponseWriter, r *http.Request) { whole(w, r) }, want: download.ErrRefused, words: "the file has 400001", kept: true, tries: 1},
		{name: "range from another place", partial: content[:777], serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 5-%d/%d", len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(content[5:])
		}, want: download.ErrRefused, words: "from 777 on", kept: true, tries: 1},
		{name: "range of nonsense", partial: content[:777], serve: func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes -1--5/x")
			w.WriteHeader(http.StatusPartialContent)
		}, want: download.ErrRefused, words: "from 777 on", kept: true, tries: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tries atomic.Int64
			server, client := serve(t, func(w http.ResponseWriter, r *http.Request) { c.serve(int(tries.Add(1)), w, r) })
			path := filepath.Join(t.TempDir(), "file")
			if c.partial != nil {
				write(t, path+".partial", c.partial)
			}
			err := client.Get(t.Context(), download.File{URL: server.URL + "/file", Path: path, Most: 500_000, Size: c.size, Check: sound})
			if got := int(tries.Load()); got != c.tries {
				t.Errorf("%d requests, want %d", got, c.tries)
			}
			_, partial := os.Stat(path + ".partial")
			if c.want == nil {
				if err != nil || sound(path) != nil || partial == nil {
					t.Errorf("error %v; the file: %v; a part is left: %t", err, sound(path), partial == nil)
				}
				return
			}
			if err == nil || c.want != errAny && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want %v with %q", err, c.want, c.words)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("there is a file")
			}
			if (partial == nil) != c.kept {
				t.Errorf("a part is left: %t, want %t", partial == nil, c.kept)
			}
		})
	}
}

// errAny stands for an error of no kind of its own.
var errAny = errors.New("any")

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPlainHTTPIsNotAsked(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	defer server.Close()
	err := download.NewClient().Get(t.Context(), download.File{URL: server.URL, Path: filepath.Join(t.TempDir(), "file"), Most: 9, Check: sound})
	if !errors.Is(err, download.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

// A stranger's certificate must not be taken.
func TestUnknownCertificate(t *testing.T) {
	server, _ := serve(t, whole)
	client := download.NewClient()
	client.Tries = 1
	server.Config.ErrorLog = nil
	err := client.Get(t.Context(), download.File{URL: server.URL, Path: filepath.Join(t.TempDir(), "file"), Most: 500_000, Check: sound})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

// What stood at the path stays where a download fails.
func TestOldFileStays(t *testing.T) {
	server, client := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) })
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, []byte("old"))
	err := client.Get(t.Context(), download.File{URL: server.URL, Path: path, Most: 9, Check: sound})
	if got, _ := os.ReadFile(path); err == nil || string(got) != "old" {
		t.Errorf("%v, and the file is %q", err, got)
	}
}

// Stopping keeps what has arrived, and the next call takes it from there.
func TestStopAndGoOn(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stopped := false
	server, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if stopped {
			whole(w, r)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:5000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	client.Stall = time.Minute
	client.Observe = func(_ download.File, have, all int64) {
		if have > 0 && all == int64(len(content)) {
			stop()
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	file := download.File{URL: server.URL, Path: path, Most: 500_000, Check: sound}
	if err := client.Get(ctx, file); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	info, err := os.Stat(path + ".partial")
	if err != nil || info.Size() == 0 {
		t.Fatalf("nothing is kept: %v", err)
	}
	stopped, client.Observe = true, nil
	if err := client.Get(t.Context(), file); err != nil || sound(path) != nil {
		t.Errorf("got %v, %v", err, sound(path))
	}
}

func TestUnwritable(t *testing.T) {
	server, client := serve(t, whole)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "in"), nil)
	for _, path := range []string{filepath.Join(dir, "in", "file"), filepath.Join(dir, "missing", "file")} {
		if err := client.Get(t.Context(), download.File{URL: server.URL, Path: path, Most: 500_000, Check: sound}); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
	folder := filepath.Join(dir, "folder.partial")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	err := client.Get(t.Context(), download.File{URL: server.URL, Path: filepath.Join(dir, "folder"), Most: 500_000, Check: sound})
	if err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("got %v", err)
	}
}
