# make run    serve the app with its demo page on an embedded database
# make test   run the whole suite (ARGS="-k rejoin" for a part of it)
# make removal  the suite, and then the suite without each optional feature in turn
# make previous  the tests of the release before this one, on this one's schema (PREVIOUS=its commit)
# make lint   ruff, mypy, import-linter and, for the client, TypeScript's checker (needs npm)
# make types  check the client's types, and what they refuse, and write its .d.ts files anew
# make bundle make party/static/party.iife.js anew, the client as one classic script, and each page's modules as one
# make soak   rooms that work on three Galera nodes while things fail (ARGS="--minutes 60"; with --alone on one
#             MariaDB); writes soak.json
# make bench  measure, print tables, write bench/results.json (ARGS="idle delivery" for a part of it)
#
# Each sets up what it needs. Debian packages are installed only where missing, and only by root.

PYTHON ?= python3
PORT ?= 8000
# 0.2.0, with its migrations as they were folded.
PREVIOUS ?= 3e3c770
VENV := .venv
BIN := $(VENV)/bin
TEST_PROCESSES ?= 4
# Neighbours run in one process as long as there is enough for all: then servers of a module start once.
IN_PARALLEL = -n $(TEST_PROCESSES) --dist worksteal

# What the client is made of; the demo page's scripts and the QR encoder lie in folders of their own.
CLIENT := party/static/party.js $(sort $(wildcard party/static/client/*.js))

# No dependency of the client: it only reads the types in its comments.
TYPESCRIPT := npx --yes --package typescript@5.9.3
TSC := $(TYPESCRIPT) tsc
ESBUILD := npx --yes esbuild@0.28.2 --bundle --minify --target=safari15,chrome99,firefox113 \
	--log-override:empty-import-meta=silent --log-level=warning

.PHONY: run test removal previous lint types bundle bench soak

run: $(VENV)/production
	$(BIN)/python -m party migrate
	PORT=$(PORT) exec $(BIN)/gunicorn --config deploy/gunicorn.conf.py --reuse-port app:application

# Where it is set, each of the servers that the tests start would compile the project anew.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/development
	@tests/install-debian-packages mariadbd=mariadb-server chromium=chromium node=nodejs npm=npm \
		firefox-esr=firefox-esr
	@tests/install-debian-packages apache2=apache2 passenger-config=libapache2-mod-passenger nginx=nginx \
		'/usr/sbin/php-fpm*=php-fpm' '/usr/lib/apache2/modules/libphp*=libapache2-mod-php' \
		/usr/lib/apache2/modules/mod_security2.so=libapache2-mod-security2 \
		/usr/share/modsecurity-crs/owasp-crs.load=modsecurity-crs \
		systemd-socket-activate=systemd vsftpd=vsftpd sshd=openssh-server ssh-keygen=openssh-client rsync=rsync \
		/usr/lib/galera/libgalera_smm.so=galera-4 redis-server=redis-server \
		ip=iproute2 nft=nftables turnserver=coturn
	@tests/install-mysql $(VENV)/mysql
	$(BIN)/python -m pytest $(IN_PARALLEL) $(ARGS)

removal: test
	for feature in $$($(BIN)/python -m tests.removal); do \
		$(BIN)/python -m tests.removal $$feature $(IN_PARALLEL) $(ARGS) || exit 1; done

previous: $(VENV)/development
	folder=$$(mktemp --directory) && trap 'rm -r $$folder' EXIT && git archive $(PREVIOUS) | tar x -C $$folder && \
	rm $$folder/migrations/* && cp migrations/* $$folder/migrations && ln -s $(CURDIR)/$(VENV) $$folder/$(VENV) && \
	cd $$folder && $(VENV)/bin/python -m pytest -q -p no:cacheprovider \
		tests/rooms tests/signaling tests/quiz tests/polling/test_poll.py $(ARGS)

lint: $(VENV)/development types bundle
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

types:
	rm -f party/static/*.d.ts # or the checker would believe them
	$(TSC) --project party/static
	modules=$$(mktemp --directory) && trap 'rm -r $$modules' EXIT && \
	$(TSC) --project party/static --noEmit false --declaration --emitDeclarationOnly --outDir $$modules && \
	$(TYPESCRIPT) --package dts-bundle-generator@9.5.1 dts-bundle-generator --silent --no-banner \
		--export-referenced-types=false --project party/static/tsconfig.json \
		-o party/static/types.d.ts $$modules/party.d.ts
	echo 'export * from "./types.js";' > party/static/party.d.ts
	$(TSC) --project tests/types

bundle:
	$(ESBUILD) party/static/party.js --format=iife --global-name=PartyClient --outfile=party/static/party.iife.js \
		--banner:js="/* Party's client. Made of $$(cat $(CLIENT) | sha256sum | cut -c1-64) by make bundle. */"
	for page in page play; do \
		modules=$$(find party/static/$$page party/static/qr -name '*.js' | LC_ALL=C sort) && \
		$(ESBUILD) party/static/$$page/$$page.js --format=esm --outfile=party/static/$$page.bundle.js \
			--banner:js="/* Made of $$(cat $(CLIENT) $$modules | sha256sum | cut -c1-64) by make bundle. */" || exit 1; done

soak: $(VENV)/development
	@tests/install-debian-packages --required mariadbd=mariadb-server rsync=rsync \
		/usr/lib/galera/libgalera_smm.so=galera-4 redis-server=redis-server
	$(BIN)/python -m tests.soak $(ARGS)

bench: $(VENV)/development
	@tests/install-debian-packages --required mariadbd=mariadb-server chromium=chromium wrk=wrk
	@tests/install-debian-packages apache2=apache2 passenger-config=libapache2-mod-passenger
	$(BIN)/python -m bench $(ARGS)

$(VENV)/production: requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/development: requirements-dev.txt requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $(VENV)/production $@

# Debian's Python comes without ensurepip, and then makes an environment that has no pip.
$(BIN)/pip:
	@$(PYTHON) -c "import ensurepip" 2>/dev/null || tests/install-debian-packages --required ensurepip=python3-venv
	$(PYTHON) -m venv $(VENV)
