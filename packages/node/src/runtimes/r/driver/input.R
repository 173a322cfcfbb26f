# What code asks of whoever runs it.

LINES_MAX <- 100000L

# Waits for an answer. An interrupt that comes instead of one is raised here.
ask <- function(prompt = "", password = FALSE) {
  if (Sys.getpid() != own) return("")
  told <- exchange(event = "ask", prompt = paste(as.character(prompt), collapse = " "), password = password)
  if (told$op == "answer") told$text else stop_cell()
}

stop_cell <- function() {
  forget_interrupt()
  signalCondition(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
  invokeRestart("abort")
}

# R passes interrupts over while it waits for a program. How that ended looks like an exit code as well, so the keeper
# is asked whether there was one.
AS_INTERRUPTED <- c(2L, 130L)
after_program <- function(told) {
  status <- attr(told, "status")
  if (is.null(status)) status <- told
  is_suspect <- is.numeric(status) && length(status) == 1L && status %in% AS_INTERRUPTED
  if (is_suspect && identical(exchange(event = "check")$op, "stop")) stop_cell()
}

# The same function, its code after other code: it stays its own frame, with its arguments and its name in errors.
wrapped <- function(original, wrap) {
  body(original) <- wrap(body(original))
  original
}

# As many lines as are wanted; without a number, up to an empty one.
ask_lines <- function(count = -1L, prompt = "") {
  lines <- character()
  while (length(lines) < (if (count < 0L) LINES_MAX else count)) {
    line <- ask(prompt)
    if (count < 0L && !nzchar(line)) break
    lines <- c(lines, line)
  }
  lines
}

is_console <- function(from, names = NULL) {
  if (is.character(from)) return(length(from) == 1L && from %in% c("stdin", names))
  inherits(from, "connection") && identical(summary(from)$description, "stdin")
}

begin_input <- function() {
  for (name in c("system", "system2")) {
    replace("base", name, wrapped(get(name, baseenv()), function(code) bquote({
      on.exit(.(after_program)(returnValue()))
      .(code)
    })))
  }
  replace("base", "readline", function(prompt = "") ask(prompt))
  replace("base", "readLines", wrapped(base::readLines, function(code) bquote({
    if (.(is_console)(con)) return(.(ask_lines)(n))
    .(code)
  })))
  replace("base", "scan", wrapped(base::scan, function(code) bquote({
    if (missing(text) && .(is_console)(file, "")) {
      text <- .(ask_lines)(if (nlines > 0L) nlines else -1L)
      file <- textConnection(text)
      on.exit(close(file))
    }
    .(code)
  })))
  replace("utils", "View", function(x, title) print_value(x))
  replace("utils", "menu", function(choices, graphics = FALSE, title = NULL) {
    cat(if (!is.null(title) && any(nzchar(title))) c(title, ""), paste0(seq_along(choices), ": ", choices), "", sep = "\n")
    repeat {
      chosen <- suppressWarnings(as.integer(ask("Selection: ")))
      if (!is.na(chosen) && chosen >= 0L && chosen <= length(choices)) return(chosen)
      cat("Enter an item from the menu, or 0 to exit\n")
    }
  })
}
