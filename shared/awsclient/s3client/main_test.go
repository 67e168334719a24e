package s3client_test

import (
	"os"
	"testing"

	"github.com/arngate/arngate/shared/secrettest"
)

func TestMain(m *testing.M) { os.Exit(secrettest.Main(m)) }
