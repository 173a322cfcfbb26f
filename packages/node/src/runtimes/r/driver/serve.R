# The loop of a session's R: takes orders until its keeper is gone.

# What a person at a console has and a cell has not, or has another way.
settle <- function() {
  repositories <- getOption("repos")
  repositories[repositories == "@CRAN@"] <- "https://cloud.r-project.org"
  options(
    keep.source = TRUE,
    menu.graphics = FALSE,
    help_type = "text",
    repos = repositories,
    pager = function(files, header, title, delete.file) {
      for (file in files) cat(gsub("_\b", "", read_lines(file, warn = FALSE)), sep = "\n")
      if (delete.file) unlink(files)
    },
    browser = function(url) cat("See ", url, "\n", sep = ""),
    askpass = function(prompt = "Password: ") ask(prompt, TRUE)
  )
}

obey <- function(order) {
  if (order$op == "execute") run(order$number, order$code)
  else if (order$op == "ask") say(event = "told", ref = order$ref, told = answer(order$kind, order$question))
}

serve <- function(says_path, orders_path, session_folder) suspendInterrupts({
  says$path <<- says_path
  orders$path <<- orders_path
  begin_plots(session_folder)
  begin_input()
  settle()
  remember("last.warning", list())
  remember(".Traceback", NULL)
  say(event = "ready", version = paste(R.version$major, R.version$minor, sep = "."))
  repeat obey(hear())
})
