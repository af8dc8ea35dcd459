package dataset

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The variables by which a test starts this one as a process of its own: the
// server to pull from and the file of its certificate.
const (
	childServer      = "TEST_PULL_FROM"
	childCertificate = "TEST_PULL_CERTIFICATE"
)

// TestPullAsChild is no test but a process that others start: it pulls a small
// data set, and says what it does.
func TestPullAsChild(t *testing.T) {
	url := os.Getenv(childServer)
	if url == "" {
		t.Skip("for other tests to start")
	}
	raw, err := os.ReadFile(os.Getenv(childCertificate))
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := smallSources(url)
	pulled, err := s.pull(t.Context(), fashionName, clientOf(certificate), PullEvents{
		Waiting:  func(Pulled) { fmt.Println("waiting") },
		Fetching: func(Pulled) { fmt.Println("fetching") },
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("fetched", pulled.Fetched)
}

// child is a process of [TestPullAsChild].
type child struct {
	*exec.Cmd
	lines *bufio.Scanner
	rest  bytes.Buffer // what it writes to stderr
}

// says wants the child to say a line next.
func (c *child) says(t *testing.T, want string) {
	t.Helper()
	if !c.lines.Scan() || c.lines.Text() != want {
		t.Fatalf("a child says %q instead of %q: %s", c.lines.Text(), want, c.rest.String())
	}
}

// pullServer serves small data sets, each file after its release.
type pullServer struct {
	*httptest.Server
	certificate string // its file
	asked       chan string
	letGo       chan struct{}
	requests    sync.Map // by path
}

func newPullServer(t *testing.T) *pullServer {
	t.Helper()
	noUsualPlaces(t)
	_, served := smallSources("")
	s := &pullServer{asked: make(chan string, 100), letGo: make(chan struct{})}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, again := s.requests.LoadOrStore(r.URL.Path, true); again {
			t.Errorf("%s is asked for again", r.URL.Path)
		}
		s.asked <- r.URL.Path
		select {
		case <-s.letGo:
		case <-r.Context().Done():
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(served[r.URL.Path]))
	}))
	t.Cleanup(s.Close)
	s.certificate = filepath.Join(t.TempDir(), "certificate")
	if err := os.WriteFile(s.certificate, s.Certificate().Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// start starts a process that pulls.
func (s *pullServer) start(t *testing.T) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0], "-test.run=^TestPullAsChild$")}
	c.Env = append(os.Environ(), childServer+"="+s.URL, childCertificate+"="+s.certificate)
	c.Stderr = &c.rest
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	c.lines = bufio.NewScanner(out)
	return c
}

// ends wants the child to have fetched or found the data, and to end well.
func (c *child) ends(t *testing.T, fetched bool) {
	t.Helper()
	c.says(t, fmt.Sprint("fetched ", fetched))
	for c.lines.Scan() { // the end of its tests
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("a child ends with %v: %s", err, c.rest.String())
	}
}

// TestTwoProcessesPull: the second waits for the first and finds what it fetched,
// and no file is asked for twice.
func TestTwoProcessesPull(t *testing.T) {
	server := newPullServer(t)
	first := server.start(t)
	first.says(t, "fetching")
	<-server.asked
	second := server.start(t)
	second.says(t, "waiting")
	close(server.letGo)
	first.ends(t, true)
	second.ends(t, false)
}

// TestKilledProcessLeavesNoLock: a waiting process continues when the process that has
// the lock is killed.
func TestKilledProcessLeavesNoLock(t *testing.T) {
	server := newPullServer(t)
	first := server.start(t)
	first.says(t, "fetching")
	path := <-server.asked
	second := server.start(t)
	second.says(t, "waiting")
	server.requests.Delete(path) // the second one has to ask again
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	second.says(t, "fetching")
	close(server.letGo)
	second.ends(t, true)
}
