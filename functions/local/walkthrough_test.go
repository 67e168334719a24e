package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/arngate/arngate/shared/demosite"
)

// printed collects what the program prints. Safe for concurrent use.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// start runs the program on free ports until the test ends, and returns what it has printed once it is up.
func start(t *testing.T) (out *printed, end func() error) {
	t.Helper()
	out = &printed{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	template := filepath.Join("..", "..", "template.yaml")
	go func() {
		done <- run(ctx, []string{"-api", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-template", template}, out, io.Discard)
	}()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(out.String(), "Ctrl-C"); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-done:
			t.Fatal(err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the program isn't up after a minute")
		}
	}
	var once sync.Once
	var err error
	end = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() { _ = end() })
	return out, end
}

// Every line that the program prints works as it is printed, in a shell that has the printed variables.
func TestPrintedLinesWork(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no POSIX shell to paste the lines into")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl, which the lines are for")
	}
	out, end := start(t)
	text := out.String()
	exports := strings.Join(regexp.MustCompile(`(?m)^export .*$`).FindAllString(text, -1), "\n")
	for _, step := range demosite.Walkthrough() {
		if !strings.Contains(text, "\n"+step.Command+"\n") {
			t.Errorf("%s: the command isn't printed", step.Title)
		}
		command := exec.CommandContext(t.Context(), shell, "-c", exports+"\n"+step.Command)
		command.Env = append(os.Environ(), "http_proxy=", "HTTP_PROXY=")
		answer, err := command.Output()
		if err != nil || !strings.Contains(string(answer), step.Answer) {
			t.Errorf("%s: got %s, %v; want %s", step.Title, answer, err, step.Answer)
		}
	}
	if err := end(); err != nil {
		t.Errorf("ending: %v", err)
	}
	for _, line := range []string{
		"s3:ListBucket files ada@example.com@" + demosite.Site + " credentials minted\n",
		"dynamodb:Query orders ada@example.com@" + demosite.Site + " credentials memory\n",
		"s3:DeleteObject archive ada@example.com@" + demosite.Site + " credentials minted DENIED\n",
		"sts:AssumeRole " + demosite.RoleARN + " as ada@example.com@" + demosite.Site + "\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in:\n%s", line, out.String()[strings.Index(out.String(), "Ctrl-C"):])
		}
	}
}

// The page of the API is at the address that the program prints, with the demo's tokens.
func TestPrintedPageOfTheAPI(t *testing.T) {
	out, _ := start(t)
	found := regexp.MustCompile(`(?m)^Its API +(\S+)$`).FindStringSubmatch(out.String())
	if found == nil {
		t.Fatal("no address is printed")
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, found[1], http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the page is a %d", answer.StatusCode)
	}
	if got, want := strings.Count(string(page), `data-token="eyJ`), len(regexp.MustCompile(`export ARNGATE\w*TOKEN=`).FindAllString(out.String(), -1)); got != want {
		t.Errorf("%d tokens are filled in, %d are printed", got, want)
	}
}

// A taken port, and an address that others could reach, are clear errors.
func TestAddressesThatWillNotDo(t *testing.T) {
	out, _ := start(t)
	taken := regexp.MustCompile(`ARNGATE=http://(\S+)`).FindStringSubmatch(out.String())[1]
	for name, c := range map[string]struct{ args, want string }{
		"taken":           {"-api " + taken, taken + " is in use by another program: choose another address"},
		"not loopback":    {"-api 0.0.0.0:8080", "-api must be an address on loopback"},
		"a name":          {"-aws localhost:4566", "-aws must be an address on loopback"},
		"no port":         {"-aws 127.0.0.1", "-aws must be host:port"},
		"stray argument":  {"start", `there are no arguments besides options, but "start"`},
		"no such file":    {"-api 127.0.0.1:0 -aws 127.0.0.1:0 -template nowhere.yaml", "nowhere.yaml"},
		"unknown options": {"-colour red", "flag provided but not defined: -colour"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), strings.Fields(c.args), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
